// SPDX-License-Identifier: Apache-2.0
// Arguments by chance, and which group the next step is of.

#include <algorithm>
#include <climits>
#include <fcntl.h>

#include <sys/eventfd.h>

#include "tests/differential/program_generator.h"

namespace sluice::differential {

std::int64_t Generator::size() {
  if (one_in(4)) return below(one_in(4) ? 300'000 : 10'000);
  if (one_in(60)) return any_of({INT_MAX, INT64_MAX, -1, std::int64_t{1} << 32, 1 << 20});
  const std::int64_t pages = any_of({0, 0, 1, 1, 1, 2, 3, 4, 15, 16, 16, 17, 32});
  return std::max<std::int64_t>(0, pages * kPageLength + any_of({0, 0, 0, -1, 1, -512, 512, -2000, 100}));
}

/// A file that is sent onto itself grows for as long as it is sent: each system would end it where its disk ends.
std::int64_t Generator::finite_size() { return std::min<std::int64_t>(size(), 1 << 20); }

std::int64_t Generator::offset() {
  if (one_in(3)) return below(one_in(4) ? 400'000 : 20'000);
  if (one_in(30)) return wild_offset();
  const std::int64_t base = one_in(2) ? below(20) * kPageLength : static_cast<std::int64_t>(m_program.file_sizes[0]);
  return std::max<std::int64_t>(0, base + any_of({0, 0, 0, -1, 1, -512, 512, 100}));
}

/// Between the largest offset and these lie the limits of file systems, each with its own.
std::int64_t Generator::wild_offset() {
  return any_of({-1, std::int64_t{1} << 33, -(std::int64_t{1} << 40), -kPageLength});
}

std::int64_t Generator::descriptor(Content wanted) {
  if (one_in(25)) return any_descriptor();
  std::array<std::int64_t, kSlots> found{};
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < kSlots; ++i) {
    if (m_content[static_cast<std::size_t>(i)] == wanted) found[static_cast<std::size_t>(count++)] = i;
  }
  return count == 0 ? any_descriptor() : found[static_cast<std::size_t>(below(count))];
}

/// Sockets have calls of their own, whose sizes always fit their buffers.
std::int64_t Generator::any_descriptor() {
  const std::int64_t slot = below(kSlots + 2);
  const bool socket = slot < kSlots && m_content[static_cast<std::size_t>(slot)] == Content::Socket;
  return socket ? kNegativeDescriptor : slot;
}

std::int64_t Generator::new_descriptor(Content content) {
  std::int64_t slot = below(kSlots);
  for (int i = 0; i < 4 && m_content[static_cast<std::size_t>(slot)] != Content::Nothing; ++i) slot = below(kSlots);
  m_content[static_cast<std::size_t>(slot)] = content;
  return slot;
}

std::int64_t Generator::copy_of(std::int64_t slot) {
  return new_descriptor(slot < kSlots ? m_content[static_cast<std::size_t>(slot)] : Content::Nothing);
}

/// A piece of mapped memory for most sizes; now and then it ends beyond what is mapped, or begins at a bad address.
void Generator::memory(std::int64_t& address, std::int64_t& length) {
  length = size();
  if (one_in(50)) {
    address = any_of({kNullAddress, kKernelAddress, kArenaSize - kRegionSize});
    return;
  }
  std::int64_t region = 0;
  for (int i = 0; i < 3 && (region == 0 || m_mapped[static_cast<std::size_t>(region)] == 0); ++i)
    region = below(kRegions - 1);
  const std::int64_t mapped = std::max(m_mapped[static_cast<std::size_t>(region)], kPageLength);
  std::int64_t at = any_of({0, 0, kPageLength, kPageLength - 1, kPageLength - 100, 1, 8 * kPageLength, below(100'000)});
  if (one_in(25))
    at = mapped - any_of({1, 100, kPageLength, kPageLength + 1, 2 * kPageLength});  // reaches beyond
  else if (length >= 0 && length > mapped - at) {
    at = std::max<std::int64_t>(0, mapped - length);
    if (length > mapped && !one_in(20)) length = mapped;
  }
  address = region * kRegionSize + std::max<std::int64_t>(at, 0);
}

void Generator::add(Operation operation, std::array<std::int64_t, kMostArguments> arguments) {
  m_program.steps.push_back({operation, m_process, arguments});
}

void Generator::add_random() {
  if (m_forked && one_in(3)) m_process = 1 - m_process;
  if (m_epoll && one_in(4)) return add_on_epoll();
  if (m_counters && one_in(4)) return add_on_counter();
  if (m_unix && one_in(2)) return add_on_unix_socket();
  if (m_datagrams && one_in(2)) return add_on_datagram();
  if (m_sockets && one_in(2)) return add_on_socket();
  switch (below(20)) {
    case 0:
    case 1:
      return open_something();
    case 2:
      if (!m_forked && one_in(8)) {
        m_forked = true;
        return add(Operation::Fork);
      }
      if (one_in(10)) return add(Operation::Wait);
      if (!m_forked && one_in(6)) return stream();
      if (one_in(5)) return add_on_signals();
      if (m_process == 1 && one_in(10)) return add(Operation::Exit, {below(300)});
      return add_on_descriptor();
    case 3:
    case 4:
    case 5:
      return add_on_descriptor();
    case 6:
    case 7:
    case 8:
    case 9:
      return add_on_memory();
    case 10:
    case 11:
    case 12:
    case 13:
    case 14:
      return add_transfer();
    default:
      return add_on_file();
  }
}

Program Generator::program() {
  for (auto& file_size : m_program.file_sizes)
    file_size = static_cast<std::uint64_t>(std::clamp<std::int64_t>(size(), 0, 200'000));
  m_mapped[0] = kRegionSize;
  add(Operation::Store, {0, 70'000, 1});
  for (int i = 0; i < 4; ++i) open_something();
  m_small_disk = one_in(12);
  if (m_small_disk) add(Operation::FillDisk, {one_in(3) ? 0 : below(40)});
  m_sockets = !m_small_disk && one_in(3);
  if (m_sockets) {
    const std::int64_t client = new_descriptor(Content::Socket);
    add(Operation::SocketPair, {client, new_descriptor(Content::Socket)});
  }
  m_epoll = one_in(3);
  if (m_epoll) add(Operation::EpollCreate, {new_descriptor(Content::Epoll), 0});
  m_counters = one_in(5);
  if (m_counters) add(Operation::EventFd, {new_descriptor(Content::Counter), below(3), EFD_NONBLOCK});
  m_unix = !m_small_disk && one_in(4);
  if (m_unix) {
    const std::int64_t first = new_descriptor(Content::UnixSocket);
    add(Operation::UnixPair, {first, new_descriptor(Content::UnixSocket), O_NONBLOCK});
  }
  m_datagrams = !m_small_disk && one_in(4);
  if (m_datagrams) {
    for (int i = 0; i < 2; ++i) add(Operation::Datagram, {new_descriptor(Content::Datagram), 1 - i});
  }
  const std::int64_t steps = 5 + below(45);
  for (std::int64_t i = 0; i < steps; ++i) add_random();
  return std::move(m_program);
}

Program generate(std::uint64_t seed, std::uint64_t index) {
  std::seed_seq mixed{seed & 0xFFFF'FFFFU, seed >> 32, index & 0xFFFF'FFFFU, index >> 32};
  std::array<std::uint32_t, 2> words{};
  mixed.generate(words.begin(), words.end());
  return Generator{std::uint64_t{words[0]} << 32 | words[1]}.program();
}

}  // namespace sluice::differential
