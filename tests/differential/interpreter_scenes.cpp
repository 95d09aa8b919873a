// SPDX-License-Identifier: Apache-2.0
// Steps of several calls, some of them by processes of their own.

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <vector>

#include <sys/mman.h>

#include "tests/differential/interpreting_process.h"

namespace sluice::differential {

namespace {

/// The reader of the stream goes before the end. A file has too little for a writer that would still have to notice.
bool ends_early(const Step& step) {
  return step.arguments[5] > 0 && static_cast<StreamSource>(step.arguments[0]) != StreamSource::Splice;
}

/// A child that waits, and whose end is to come from a signal.
struct Waiting {
  WaitsFor what;
  int signal;
  kernel_sim::SignalHandler handler;
  int ready;
  UserAddress buffer;

  static int run(SystemCalls& calls, std::span<const std::byte> arguments) {
    Waiting waiting{};
    std::memcpy(&waiting, arguments.data(), sizeof waiting);
    calls.sigaction(waiting.signal, waiting.handler, 0);
    int ends[2] = {-1, -1};
    calls.pipe(ends);
    calls.write(waiting.ready, waiting.buffer, 1);
    std::array<kernel_sim::PollEntry, 1> entry = {{{ends[0], POLLIN, 0}}};
    std::vector<kernel_sim::EpollEvent> events;
    switch (waiting.what) {
      case WaitsFor::Data:
        calls.read(ends[0], waiting.buffer, 1);
        break;
      case WaitsFor::Space:
        while (calls.write(ends[1], waiting.buffer, kOwnSize) > 0) {
        }
        break;
      case WaitsFor::Time:
        calls.nanosleep(std::uint64_t{100'000'000'000});
        break;
      case WaitsFor::Descriptors:
        calls.poll(entry, -1);
        break;
      case WaitsFor::Events:
        calls.epoll_wait(static_cast<int>(calls.epoll_create1(0)), events, 1, -1);
    }
    return 1;
  }
};

/// What the reader of a stream is told.
struct StreamReader {
  UserAddress buffer;
  int from;
  int not_its;
  std::uint64_t piece;
  std::uint64_t most;  ///< it ends after so many bytes

  static int run(SystemCalls& calls, std::span<const std::byte> arguments) {
    StreamReader reader{};
    std::memcpy(&reader, arguments.data(), sizeof reader);
    calls.close(reader.not_its);
    std::vector<std::byte> bytes(reader.piece);
    unsigned sum = 1;
    for (std::uint64_t got = 0; got < reader.most;) {
      const Value n = calls.read(reader.from, reader.buffer, reader.piece);
      if (n <= 0) return static_cast<int>((n < 0 ? -n : sum) & 0x7F);
      calls.load(reader.buffer, std::span{bytes}.first(static_cast<std::size_t>(n)));
      for (Value i = 0; i < n; ++i) sum = sum * 31 + std::to_integer<unsigned>(bytes[static_cast<std::size_t>(i)]);
      got += static_cast<std::uint64_t>(n);
    }
    return 0x80;
  }
};

}  // namespace

void Interpreter::fill_disk(const Step& step) {
  const auto fd = static_cast<int>(m_calls.open("full", O_CREAT | O_WRONLY, 0600));
  for (const std::uint64_t piece : {kOwnSize, kPage}) {
    while (m_calls.write(fd, own(), piece) > 0) {
    }
  }
  const Value size = m_calls.lseek(fd, 0, SEEK_END);
  const Value left = std::clamp<Value>(step.arguments[0], 0, 64) * static_cast<Value>(kPage);
  m_calls.ftruncate(fd, std::max<Value>(size - left, 0));
  m_calls.close(fd);
  note(0);
}

/// Nothing but the arena may change: on the host the rest belongs to this program itself.
void Interpreter::remap(const Step& step) {
  const auto& a = step.arguments;
  const auto within = [](std::int64_t at, std::int64_t size) {
    return at >= 0 && size >= 0 && size <= kArenaSize - at;
  };
  if (a[0] >= 0 && !within(a[0], a[1])) return;
  if ((a[3] & MREMAP_FIXED) != 0 && !within(a[4], a[2]) && a[2] > static_cast<std::int64_t>(kPage)) return;
  const auto new_size = static_cast<std::uint64_t>(a[2]);
  const Value at =
      m_calls.mremap(address(a[0]), static_cast<std::uint64_t>(a[1]), new_size, static_cast<int>(a[3]), address(a[4]));
  if (at < 0) return note(at);
  const Value distance = at - static_cast<Value>(m_state.arena);
  const bool inside = distance >= 0 && distance < kArenaSize;
  note(0, inside ? distance : 0, inside ? 1 : 0);
  if (inside) return;
  // Where it lies is the kernel's choice. It comes back to where it was, or goes.
  const auto outside = static_cast<UserAddress>(at);
  if (!within(a[0], a[2])) {
    note(m_calls.munmap(outside, new_size));
    return;
  }
  const Value back = m_calls.mremap(outside, new_size, new_size, MREMAP_MAYMOVE | MREMAP_FIXED, address(a[0]));
  note(back < 0 ? back : 0);
}

/// The host's own allocator has its heap there, too: nothing in between allocates, and all is as before in the end.
void Interpreter::use_heap(const Step& step) {
  const auto& a = step.arguments;
  const Value start = m_calls.brk(UserAddress::Null);
  const auto at = [&](std::int64_t distance) {
    return static_cast<UserAddress>(static_cast<std::uint64_t>(start + distance));
  };
  const Value refused = m_calls.brk(UserAddress{0xFFFF'8000'0000'0000U});
  const Value grown = m_calls.brk(at(a[0]));
  note(0, refused - start, grown - start);
  if (a[0] > 0) {
    m_calls.fill(at(0), std::byte{7}, 1);
    m_calls.fill(at(a[0] - 1), std::byte{8}, 1);
  }
  const Value shrunk = m_calls.brk(at(a[1]));
  std::array<std::byte, 1> byte{};
  if (a[1] > 0) m_calls.load(at(a[1] - 1), byte);
  note(0, shrunk - start, std::to_integer<int>(byte[0]));
  note(m_calls.brk(at(0)) - start);
}

void Interpreter::kill_child(const Step& step) {
  const auto& a = step.arguments;
  if (m_state.has_other) return;
  int ends[2] = {-1, -1};
  if (const Value made = m_calls.pipe(ends); made < 0) return note(made);
  const int signal = static_cast<int>(a[1]);
  const Waiting waiting{static_cast<WaitsFor>(a[0]), signal, static_cast<kernel_sim::SignalHandler>(a[2]), ends[1],
                        own()};
  const Value child = m_calls.fork(Waiting::run, std::as_bytes(std::span{&waiting, 1}));
  m_calls.close(ends[1]);
  m_calls.read(ends[0], own(), 1);
  m_calls.close(ends[0]);
  note(m_calls.kill(child, signal));
  m_calls.kill(child, SIGKILL);  // if that was not enough
  int status = 0;
  const Value waited = m_calls.wait(child, status);
  note(waited > 0 ? 1 : waited, status);
}

/// The one operation whose calls wait. What was read when does not count: only which bytes arrived, and how both ended.
void Interpreter::stream(const Step& step) {
  const auto& a = step.arguments;
  if (m_state.has_other) return;
  int ends[2] = {-1, -1};
  if (const Value made = m_calls.pipe(ends); made < 0) return note(made);
  note(m_calls.fcntl(ends[1], F_SETPIPE_SZ, std::clamp<std::int64_t>(a[4], 1, 1 << 20)));
  const std::uint64_t piece = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(a[3]), 1, kOwnSize);
  const StreamReader reader{own(), ends[0], ends[1], piece,
                            ends_early(step) ? static_cast<std::uint64_t>(a[5]) : UINT64_MAX};
  const Value child = m_calls.fork(StreamReader::run, std::as_bytes(std::span{&reader, 1}));
  m_calls.close(ends[0]);
  const Value written = write_stream(step, ends[1]);
  m_calls.close(ends[1]);
  int status = 0;
  const Value waited = m_calls.wait(child, status);
  note(waited > 0 ? 1 : waited, written, status);
}

Value Interpreter::write_stream(const Step& step, int to) {
  const auto& a = step.arguments;
  // A writer whose reader ends must not be done before: whether it is, would be a race.
  const std::uint64_t total =
      ends_early(step) ? kRegionSize : std::clamp<std::uint64_t>(static_cast<std::uint64_t>(a[1]), 0, kRegionSize);
  const std::uint64_t piece = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(a[2]), 1, kRegionSize);
  const Value file = m_calls.open(kPaths[0], O_RDONLY, 0);
  std::uint64_t done = 0;
  Value moved = 1;
  while (done < total && moved > 0) {
    const std::uint64_t size = std::min(piece, total - done);
    switch (static_cast<StreamSource>(a[0])) {
      case StreamSource::Write:
        moved = m_calls.write(to, m_state.arena + done, size);
        break;
      case StreamSource::Vmsplice:
        moved = m_calls.vmsplice(to, m_state.arena + done, size, 0);
        break;
      case StreamSource::Splice:
        moved = m_calls.splice(static_cast<int>(file), nullptr, to, nullptr, size, 0);
    }
    done += moved > 0 ? static_cast<std::uint64_t>(moved) : 0;
  }
  m_calls.close(static_cast<int>(file));
  return moved < 0 ? moved : static_cast<Value>(done);
}

}  // namespace sluice::differential
