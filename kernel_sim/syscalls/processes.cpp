// SPDX-License-Identifier: Apache-2.0
// fork, exit, wait, and which cores a process runs on.
#include <vector>

#include "kernel_sim/syscalls/calls.h"
#include "kernel_sim/syscalls/process_end.h"

namespace sluice::syscalls {

using fmt::format;

kernel_sim::SystemCalls::Value SimulatedSystemCalls::fork(Entry entry, std::span<const std::byte> arguments) {
  return call(
      Call::Fork, [] { return std::string{}; },
      [&]() -> Result<Value> {
        std::vector<std::byte> copy(arguments.begin(), arguments.end());
        const Result<Process*> child =
            m_table.fork(m_process, [entry, copy = std::move(copy)](SystemCalls& calls) { return entry(calls, copy); });
        if (!child) return tl::unexpected{child.error()};
        return (*child)->pid;
      });
}

void SimulatedSystemCalls::exit(int status) {
  const Picoseconds begin = services().machine.cpu.now();
  enter(Call::Exit);
  if (m_table.trace) trace(Call::Exit, format("{}", status), 0, begin);
  throw ProcessEnd{exited_status(status)};
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::wait(std::int64_t pid, int& status) {
  return call(
      Call::Wait, [&] { return format("{}, [{:#x}]", pid, status); },
      [&]() -> Result<Value> {
        const Result<Process*> child = m_table.wait_for_child(m_process, pid);
        if (!child) return tl::unexpected{child.error()};
        status = (*child)->status;
        return (*child)->pid;
      });
}

Result<void> SimulatedSystemCalls::check_own(std::int64_t pid) const {
  if (pid == 0 || pid == m_process.pid) return {};
  return base::refuse(m_table.find(pid) == nullptr ? ESRCH : EPERM);
}

std::uint64_t SimulatedSystemCalls::all_cores() const {
  const unsigned count = services().machine.contexts.core_count();
  return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::sched_setaffinity(std::int64_t pid, std::uint64_t cores) {
  return call(
      Call::SchedSetaffinity, [&] { return format("{}, 8, {:#x}", pid, cores); },
      [&]() -> Result<void> {
        if (const auto checked = check_own(pid); !checked) return checked;
        if ((cores & all_cores()) == 0) return base::refuse(EINVAL);
        services().scheduler.run_on(cores & all_cores());
        return {};
      });
}

/// As the kernel, not the library: it returns how many bytes of the mask there are.
kernel_sim::SystemCalls::Value SimulatedSystemCalls::sched_getaffinity(std::int64_t pid, std::uint64_t& cores) {
  return call(
      Call::SchedGetaffinity, [&] { return format("{}, 8, [{:#x}]", pid, cores); },
      [&]() -> Result<Value> {
        if (const auto checked = check_own(pid); !checked) return tl::unexpected{checked.error()};
        const sched::Placement& placement = m_process.task->placement();
        cores = placement.core ? std::uint64_t{1} << *placement.core : placement.cores & all_cores();
        return static_cast<Value>(sizeof cores);
      });
}

}  // namespace sluice::syscalls
