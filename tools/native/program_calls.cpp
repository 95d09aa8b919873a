// SPDX-License-Identifier: Apache-2.0
#include "tools/native/program_calls.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unistd.h>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tools/native/host_call.h"
#include "tools/native/measured_region.h"

namespace sluice::native {

using kernel_sim::UserAddress;
using syscalls::Call;

ProgramCalls::ProgramCalls(ProgramMemory& memory, std::int64_t most_alive, HostOptions options)
    : HostSystemCalls(std::move(options)), m_memory(memory), m_most_alive(most_alive) {
  // A look at the process's use is a call itself: the end of the one and the begin of the other fall into what they
  // measure. Microseconds are all that the kernel tells, so it takes many to know.
  constexpr int kLooks = 5000;
  m_next_probe_ns = std::numeric_limits<std::int64_t>::max();
  ProcessSlot& slot = mine();
  for (int i = 0; i < kLooks; ++i) {
    leaves_program({});
    enters_program();
  }
  m_looking_ns = static_cast<double>(slot.used.usage.cpu_ns()) / kLooks;
  slot = {};
  m_next_probe_ns = 0;
}

void ProgramCalls::become(std::uint32_t slot) {
  m_slot = slot;
  mine().pid = ::getpid();
}

std::int64_t ProgramCalls::cpu_ns(const ProgramUse& use) const {
  const auto looking = std::llround(m_looking_ns * static_cast<double>(use.crossings));
  return std::max<std::int64_t>(use.usage.cpu_ns() - looking, 0);
}

void ProgramCalls::leaves_program(std::optional<Call> call) {
  ProcessSlot& slot = mine();
  if (call) {
    ++slot.used.counts.calls[static_cast<std::size_t>(*call)];
    ++slot.used.counts.mode_switches;
    slot.in_call = static_cast<std::uint8_t>(*call);
  }
  m_left = usage_now();
}

void ProgramCalls::enters_program() {
  const Usage now = usage_now();
  ProcessSlot& slot = mine();
  slot.used.usage = slot.used.usage + (now - m_left);
  ++slot.used.crossings;
  if (slot.in_call != ProcessSlot::kInNoCall) ++slot.used.counts.mode_switches;
  slot.in_call = ProcessSlot::kInNoCall;
  probe_core();
}

void ProgramCalls::probe_core() {
  constexpr std::int64_t kBetween = 500'000;  // half a per cent of the time
  const std::int64_t now = monotonic_ns();
  if (now < m_next_probe_ns || !m_memory.takes_a_probe()) return;
  m_next_probe_ns = now + kBetween;
  Record record;
  record.kind = RecordKind::Probe;
  record.slot = m_slot;
  record.probe = native::probe_core();
  m_memory.append(record, {});
}

SystemCalls::Value ProgramCalls::fork(Entry entry, std::span<const std::byte> arguments) {
  const std::vector<std::byte> copy(arguments.begin(), arguments.end());
  return call(Call::Fork, [&]() -> Value {
    const std::uint32_t child_slot = m_memory.claim(m_most_alive);
    if (child_slot == kNoSlot) return -EAGAIN;
    ProcessSlot& slot = m_memory.slot(child_slot);
    slot.started_as = mine().started_as;
    slot.forked = true;
    const pid_t child = ::fork();
    if (child < 0) {
      const int error = errno;
      m_memory.one_less_alive();
      return -error;
    }
    if (child == 0) {
      become(child_slot);
      forget_signals();
      leave(entry(*this, copy));
    }
    slot.pid = child;
    joins(::getpid());
    joins(child);
    return child;
  });
}

void ProgramCalls::exit(int status) {
  enter(Call::Exit);
  leave(status);
}

void ProgramCalls::leave(int status) {
  if (mine().in_call == static_cast<std::uint8_t>(Call::Exit)) enters_program();
  mine().ended_at_ns = monotonic_ns();
  ::_exit(status);
}

SystemCalls::Value ProgramCalls::wait(std::int64_t pid, int& status) {
  return call(Call::Wait, [&] {
    rusage use{};
    const Value ended = raw(SYS_wait4, pid, &status, 0, &use);
    if (ended <= 0) return ended;
    leaves(static_cast<pid_t>(ended));
    m_memory.one_less_alive();
    const std::uint32_t found = m_memory.slot_of(static_cast<std::int32_t>(ended));
    if (found == kNoSlot) return ended;
    const auto nanoseconds = [](const timeval& t) { return (std::int64_t{t.tv_sec} * 1'000'000 + t.tv_usec) * 1000; };
    ProcessSlot& child = m_memory.slot(found);
    child.status = status;
    child.cpu_ns = nanoseconds(use.ru_utime) + nanoseconds(use.ru_stime);
    child.waited_for = true;
    return ended;
  });
}

SystemCalls::Value ProgramCalls::brk(UserAddress end) {
  constexpr std::uint64_t kMostHeap = std::uint64_t{64} << 30;
  constexpr std::uint64_t kPage = 4096;
  const auto up = [](std::uint64_t at) { return (at + kPage - 1) / kPage * kPage; };
  return call(Call::Brk, [&]() -> Value {
    constexpr int kReserve = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    if (m_heap == 0) {
      const Value at = raw(SYS_mmap, nullptr, kMostHeap, PROT_NONE, kReserve, -1, 0);
      if (at < 0) return 0;
      m_heap = m_heap_end = static_cast<std::uint64_t>(at);
    }
    const auto wanted = static_cast<std::uint64_t>(end);
    if (wanted < m_heap || wanted - m_heap > kMostHeap) return static_cast<Value>(m_heap_end);
    const std::uint64_t before = up(m_heap_end);
    const std::uint64_t after = up(wanted);
    const Value done = after > before   ? raw(SYS_mprotect, before, after - before, PROT_READ | PROT_WRITE)
                       : after < before ? raw(SYS_mmap, after, before - after, PROT_NONE, kReserve | MAP_FIXED, -1, 0)
                                        : 0;
    if (done >= 0) m_heap_end = wanted;
    return static_cast<Value>(m_heap_end);
  });
}

void ProgramCalls::load(UserAddress from, std::span<std::byte> to) {
  leaves_program({});
  HostSystemCalls::load(from, to);
  enters_program();
}

void ProgramCalls::store(UserAddress to, std::span<const std::byte> from) {
  leaves_program({});
  HostSystemCalls::store(to, from);
  enters_program();
}

void ProgramCalls::fill(UserAddress to, std::byte value, std::uint64_t size) {
  leaves_program({});
  HostSystemCalls::fill(to, value, size);
  enters_program();
}

void ProgramCalls::compute(std::uint64_t work) {
  leaves_program({});
  HostSystemCalls::compute(work);
  enters_program();
}

}  // namespace sluice::native
