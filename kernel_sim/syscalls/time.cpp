// SPDX-License-Identifier: Apache-2.0
// Calls that ask for time to pass.
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
        while (cpu.now() < end) services().scheduler.wait(nobody, "the end of a sleep", end - cpu.now());
        return 0;
      });
}

}  // namespace sluice::syscalls
