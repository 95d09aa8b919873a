// SPDX-License-Identifier: Apache-2.0
// Steps on memory and signals.

#include <algorithm>
#include <csignal>

#include <sys/mman.h>

#include "tests/differential/program_generator.h"

namespace sluice::differential {

void Generator::map_something() {
  const std::int64_t region = 1 + below(kRegions - 2);
  const std::int64_t length = one_in(20) ? size() : any_of({1, 4096, 4097, 8192, 16384, 65536, 70000, 262144});
  std::int64_t flags = any_of({MAP_PRIVATE, MAP_SHARED, MAP_SHARED});
  flags |= one_in(20) ? any_of({0, MAP_FIXED_NOREPLACE, MAP_FIXED | MAP_FIXED_NOREPLACE}) : MAP_FIXED;
  if (one_in(4)) flags |= MAP_ANONYMOUS;
  if (one_in(8)) flags |= MAP_POPULATE;
  if (one_in(12)) flags |= any_of({MAP_LOCKED, MAP_NONBLOCK, MAP_NORESERVE, MAP_STACK, MAP_GROWSDOWN});
  if (m_small_disk) flags |= MAP_ANONYMOUS;
  if (one_in(40)) flags = any_of({0, MAP_FIXED, MAP_ANONYMOUS | MAP_FIXED, MAP_SHARED_VALIDATE | MAP_FIXED});
  const std::int64_t from = one_in(20) ? offset() : any_of({0, 0, 0, kPageLength, 2 * kPageLength, 16 * kPageLength});
  const std::int64_t at =
      region * kRegionSize + any_of({0, 0, 0, 0, kPageLength, 3 * kPageLength, one_in(6) ? 100 : 0});
  if (length > 0 && length <= kRegionSize / 2) {
    std::int64_t& mapped = m_mapped[static_cast<std::size_t>(region)];
    mapped = std::max(mapped, at - region * kRegionSize + length);
  }
  add(Operation::Mmap, {at, length, protection(), flags, descriptor(Content::File), from});
}

void Generator::add_on_memory() {
  std::int64_t address = 0;
  std::int64_t length = 0;
  memory(address, length);
  const std::int64_t page = address < 0 || one_in(20) ? address : address / kPageLength * kPageLength;
  // A load or store at a bad address ends the program: not too often.
  const bool harmless = address >= 0 && length >= 0 && length <= 300'000;
  switch (below(11)) {
    case 0:
      return map_something();
    case 8:
      return remap(page, length);
    case 9:
      return add(Operation::Mincore, {page, length});
    case 10:
      if (one_in(2)) return remap(page, length);
      return add(Operation::Brk, {any_of({0, 1, kPageLength, 10'000, 20'000}), any_of({0, 1, 0, 100})});
    case 7:
      return add(
          Operation::Mprotect,
          {page, one_in(3) ? length : any_of({1, kPageLength, 2 * kPageLength, 16 * kPageLength}),
           one_in(25) ? any_of({0x10, 0x8, PROT_GROWSDOWN | PROT_READ, PROT_GROWSUP, PROT_GROWSUP | PROT_GROWSDOWN})
                      : protection()});
    case 1:
      return add(Operation::Munmap, {page, one_in(4) ? length : any_of({1, kPageLength, 2 * kPageLength})});
    case 2:
      if (one_in(2)) return add(Operation::Madvise, {page, length, one_in(2) ? MADV_DONTNEED : MADV_WILLNEED});
      // Not beyond the arena, where the interpreter's own memory is.
      return add(Operation::Madvise, {page, std::clamp<std::int64_t>(length, 0, 300'000), memory_advice()});
    case 3:
      if (harmless || one_in(4)) add(Operation::Load, {address, std::clamp<std::int64_t>(length, 0, 300'000)});
      return;
    case 4:
      if (harmless) add(Operation::Fill, {address, below(256), length});
      return;
    default:
      if (harmless || one_in(4))
        add(Operation::Store, {address, std::clamp<std::int64_t>(length, 0, 300'000), below(1000)});
  }
}

std::int64_t Generator::protection() {
  return any_of(
      {PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_WRITE, PROT_NONE});
}

std::int64_t Generator::memory_advice() {
  if (one_in(10)) return any_of({77, 7, -1});
  return any_of({MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_FREE, MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK,
                 MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_COLD, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE,
                 MADV_DONTDUMP, MADV_DODUMP, MADV_HUGEPAGE});
}

void Generator::remap(std::int64_t page, std::int64_t length) {
  std::int64_t flags =
      any_of({0, MREMAP_MAYMOVE, MREMAP_MAYMOVE, MREMAP_MAYMOVE | MREMAP_FIXED, MREMAP_MAYMOVE | MREMAP_FIXED,
              MREMAP_MAYMOVE | 4 /* MREMAP_DONTUNMAP */, MREMAP_MAYMOVE | MREMAP_FIXED | 4});
  if (one_in(30)) flags = any_of({MREMAP_FIXED, 4, 8, MREMAP_MAYMOVE | 16});
  const std::int64_t old_size =
      one_in(3) ? length : any_of({1, kPageLength, 2 * kPageLength, 4 * kPageLength, 16 * kPageLength, 0});
  const std::int64_t new_size =
      one_in(2) ? old_size
                : any_of({kPageLength, 2 * kPageLength, 5 * kPageLength, 16 * kPageLength, 100 * kPageLength, 0});
  const std::int64_t to = (1 + below(kRegions - 2)) * kRegionSize +
                          any_of({0, 0, kPageLength, 4 * kPageLength, 16 * kPageLength, one_in(6) ? 100 : 0});
  add(Operation::Mremap, {page, old_size, new_size, flags, one_in(40) ? any_of({kNullAddress, kKernelAddress}) : to});
}

void Generator::add_on_signals() {
  const auto signal = [this] {
    if (one_in(12)) return any_of({0, 65, -1, SIGKILL, 64});
    return any_of({SIGPIPE, SIGPIPE, SIGUSR1, SIGTERM, SIGINT, SIGCHLD, SIGURG, SIGALRM});
  };
  const std::int64_t sent = signal();
  switch (below(6)) {
    case 0:
      // The end of the first process by SIGKILL is how the harness tells that time ran out.
      if (sent == SIGKILL && m_process == 0) return;
      return add(Operation::Raise, {sent});
    case 1:
      return add(Operation::Kill, {below(kWaits), sent, one_in(3)});
    default:
      return add(Operation::Sigaction, {one_in(20) ? any_of({SIGKILL, SIGSTOP, 0, 65}) : sent, one_in(4) ? 0 : 1,
                                        one_in(4) ? any_of({SA_RESTART, SA_NOCLDWAIT}) : 0});
  }
}

}  // namespace sluice::differential
