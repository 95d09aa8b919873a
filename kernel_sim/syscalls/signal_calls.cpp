// SPDX-License-Identifier: Apache-2.0
// sigaction, kill, getpid, and what the program asks of its handlers.
#include "kernel_sim/syscalls/calls.h"

namespace sluice::syscalls {

using fmt::format;
using SystemCallsValue = kernel_sim::SystemCalls::Value;

SystemCallsValue SimulatedSystemCalls::sigaction(int signal, kernel_sim::SignalHandler handler, unsigned flags) {
  return call(
      Call::Sigaction, [&] { return format("{}, {}, {:#x}", signal_name(signal), signal_handler(handler), flags); },
      [&]() -> Result<void> {
        const auto set = m_process.signals.set(signal, {handler, flags});
        note_signals();
        return set;
      });
}

/// All processes are of one group, as for wait.
SystemCallsValue SimulatedSystemCalls::kill(std::int64_t pid, int signal) {
  return call(
      Call::Kill, [&] { return format("{}, {}", pid, signal_name(signal)); },
      [&] { return m_table.kill(m_process, pid, signal); });
}

SystemCallsValue SimulatedSystemCalls::getpid() {
  return call(
      Call::Getpid, [] { return std::string{}; }, [&]() -> Result<Value> { return m_process.pid; });
}

int SimulatedSystemCalls::next_signal() {
  const int signal = m_process.signals.take();
  note_signals();
  return signal;
}

void SimulatedSystemCalls::signal_handled(int signal) {
  m_process.signals.handled(signal);
  note_signals();
  end_if_killed();
}

void SimulatedSystemCalls::note_signals() { m_process.task->signal_pending = m_process.signals.pending(); }

void SimulatedSystemCalls::end_if_killed() {
  if (const auto signal = m_process.signals.fatal()) [[unlikely]]
    die(*signal);
}

}  // namespace sluice::syscalls
