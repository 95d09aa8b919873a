// SPDX-License-Identifier: Apache-2.0
// Calls that ask for time to pass, and how much has.
#include <ctime>

#include <sys/resource.h>

#include "kernel_sim/syscalls/calls.h"

namespace sluice::syscalls {

using fmt::format;

kernel_sim::SystemCalls::Value SimulatedSystemCalls::nanosleep(std::uint64_t duration) {
  return call(
      Call::Nanosleep,
      [&] { return format("{{tv_sec={}, tv_nsec={}}}", duration / 1'000'000'000, duration % 1'000'000'000); },
      [&]() -> Result<Value> {
        // More than a simulation ever lasts.
        constexpr std::uint64_t kMost = 1'000'000'000'000'000;
        const hal::Cpu& cpu = services().machine.cpu;
        const Picoseconds end = cpu.now() + 1_ns * std::min(duration, kMost) + m_table.config().timer_slack;
        sched::WaitQueue nobody;
        while (cpu.now() < end) {
          if (services().scheduler.interrupted()) return base::refuse(EINTR);
          services().scheduler.wait(nobody, "the end of a sleep", end - cpu.now());
        }
        return 0;
      });
}

/// A process has one thread, so its time is the thread's.
kernel_sim::SystemCalls::Value SimulatedSystemCalls::clock_gettime(int clock, std::int64_t& time) {
  return call(
      Call::ClockGettime,
      [&] {
        return format("{}, {{tv_sec={}, tv_nsec={}}}", clock_name(clock), time / 1'000'000'000, time % 1'000'000'000);
      },
      [&]() -> Result<void> {
        switch (clock) {
          case CLOCK_MONOTONIC:
            time = static_cast<std::int64_t>(services().machine.cpu.now().count() / 1000);
            return {};
          case CLOCK_PROCESS_CPUTIME_ID:
          case CLOCK_THREAD_CPUTIME_ID:
            time = static_cast<std::int64_t>(m_process.task->cpu_time().count() / 1000);
            return {};
          default:
            return base::refuse(EINVAL);
        }
      });
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::getrusage(int who, kernel_sim::ResourceUsage& usage) {
  return call(
      Call::Getrusage,
      [&] {
        return format("{}, {{ru_utime={} us, ru_stime={} us}}", resource_who(who), usage.user_ns / 1000,
                      usage.system_ns / 1000);
      },
      [&]() -> Result<void> {
        if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD) return base::refuse(EINVAL);
        const Usage used = who == RUSAGE_CHILDREN ? m_process.of_children : ProcessTable::usage_of(m_process);
        const auto microseconds = [](Picoseconds time) {
          return static_cast<std::int64_t>(time.count() / 1'000'000) * 1000;
        };
        const auto number = [](std::uint64_t count) { return static_cast<std::int64_t>(count); };
        usage = {microseconds(used.user),   microseconds(used.cpu - used.user), number(used.faults.minor),
                 number(used.faults.major), number(used.switches.voluntary),    number(used.switches.involuntary)};
        return {};
      });
}

}  // namespace sluice::syscalls
