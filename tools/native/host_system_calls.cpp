// SPDX-License-Identifier: Apache-2.0
// Counting, and the calls on processes.
#include "tools/native/host_system_calls.h"

#include <ctime>
#include <numeric>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>

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

SystemCalls::Value HostSystemCalls::clock_gettime(int clock, std::int64_t& time) {
  timespec found{};
  const Value value = call(Call::ClockGettime, [&] { return raw(SYS_clock_gettime, clock, &found); });
  if (value >= 0) time = found.tv_sec * 1'000'000'000 + found.tv_nsec;
  return value;
}

SystemCalls::Value HostSystemCalls::getrusage(int who, kernel_sim::ResourceUsage& usage) {
  rusage found{};
  const Value value = call(Call::Getrusage, [&] { return raw(SYS_getrusage, who, &found); });
  const auto ns = [](const timeval& time) { return time.tv_sec * 1'000'000'000 + time.tv_usec * 1000; };
  if (value >= 0) {
    usage = {ns(found.ru_utime), ns(found.ru_stime), found.ru_minflt, found.ru_majflt, found.ru_nvcsw, found.ru_nivcsw};
  }
  return value;
}

SystemCalls::Value HostSystemCalls::sched_setaffinity(std::int64_t pid, std::uint64_t cores) {
  return call(Call::SchedSetaffinity, [&] { return raw(SYS_sched_setaffinity, pid, sizeof cores, &cores); });
}

SystemCalls::Value HostSystemCalls::sched_getaffinity(std::int64_t pid, std::uint64_t& cores) {
  std::uint64_t found = 0;
  const Value value =
      call(Call::SchedGetaffinity, [&] { return raw(SYS_sched_getaffinity, pid, sizeof found, &found); });
  if (value >= 0) cores = found;
  return value;
}

SystemCalls::Value HostSystemCalls::fork(Entry entry, std::span<const std::byte> arguments) {
  return call(Call::Fork, [&]() -> Value {
    // Copied before, since the parent's memory may be shared with the child.
    const std::vector<std::byte> copy(arguments.begin(), arguments.end());
    const pid_t parent = ::getpid();
    joins(parent);
    const pid_t child = ::fork();
    if (child < 0) return -errno;
    if (child == 0) {
      end_with_parent(parent);
      forget_signals();
      ::_exit(entry(*this, copy));
    }
    joins(child);
    return child;
  });
}

void HostSystemCalls::exit(int status) {
  enter(Call::Exit);
  ::_exit(status);
}

SystemCalls::Value HostSystemCalls::wait(std::int64_t pid, int& status) {
  return call(Call::Wait, [&] {
    const Value ended = raw(SYS_wait4, pid, &status, 0, nullptr);
    if (ended > 0) leaves(static_cast<pid_t>(ended));
    return ended;
  });
}

void HostSystemCalls::compute(std::uint64_t work) { native::compute(work); }

}  // namespace sluice::native
