// SPDX-License-Identifier: Apache-2.0
// Counting, and the calls on processes.
#include "tools/native/host_system_calls.h"

#include <ctime>
#include <numeric>
#include <utility>
#include <vector>

#include <sys/syscall.h>

#include "tools/native/compute.h"
#include "tools/native/host_call.h"
#include "tools/native/process.h"

namespace sluice::native {

using syscalls::Call;

HostSystemCalls::HostSystemCalls(HostOptions options) : m_options(std::move(options)) { calibrate_compute(); }

syscalls::CallCounts HostSystemCalls::counts() const {
  syscalls::CallCounts found;
  for (std::size_t i = 0; i < syscalls::kCalls; ++i) {
    found.calls[i] = m_counters->entered[i].load(std::memory_order_relaxed);
  }
  found.mode_switches =
      std::accumulate(found.calls.begin(), found.calls.end(), m_counters->returned.load(std::memory_order_relaxed));
  return found;
}

void HostSystemCalls::enter(Call which) {
  m_counters->entered[static_cast<std::size_t>(which)].fetch_add(1, std::memory_order_relaxed);
  leaves_program(which);
}

SystemCalls::Value HostSystemCalls::nanosleep(std::uint64_t duration) {
  const timespec time{.tv_sec = static_cast<time_t>(duration / 1'000'000'000),
                      .tv_nsec = static_cast<long>(duration % 1'000'000'000)};
  return call(Call::Nanosleep, [&] { return raw(SYS_nanosleep, &time, nullptr); });
}

SystemCalls::Value HostSystemCalls::fork(Entry entry, std::span<const std::byte> arguments) {
  return call(Call::Fork, [&]() -> Value {
    // Copied before, since the parent's memory may be shared with the child.
    const std::vector<std::byte> copy(arguments.begin(), arguments.end());
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) return -errno;
    if (child == 0) {
      end_with_parent(parent);
      ::_exit(entry(*this, copy));
    }
    return child;
  });
}

void HostSystemCalls::exit(int status) {
  enter(Call::Exit);
  ::_exit(status);
}

SystemCalls::Value HostSystemCalls::wait(std::int64_t pid, int& status) {
  return call(Call::Wait, [&] { return raw(SYS_wait4, pid, &status, 0, nullptr); });
}

void HostSystemCalls::compute(std::uint64_t work) { native::compute(work); }

}  // namespace sluice::native
