// SPDX-License-Identifier: Apache-2.0
// fork, exit, wait.
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

}  // namespace sluice::syscalls
