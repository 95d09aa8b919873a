// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/program_observer.h"

#include <fmt/format.h>

namespace sluice::simulate {

/// Everything that grows while the current process runs.
results::MeasureUse ProgramObserver::read() {
  m_hal.synchronise();
  const syscalls::Process& process = *m_kernel.current_process();
  const kernel_sim::KernelCounts counts = m_kernel.counts_of(process);
  const auto moved = [&](base::Mover by) {
    const base::MoveTotal total = m_machine.ledger.total_by(by);
    return total.payload + total.overhead;
  };
  return {.times = 1,
          .elapsed_ns = m_hal.time().count() / 1000,
          .cpu_ns = process.task->cpu_time().count() / 1000,
          .user_ns = process.task->user_time().count() / 1000,
          .mode_switches = counts.mode_switches,
          .page_faults_minor = counts.faults.minor,
          .page_faults_major = counts.faults.major,
          .bytes_copied = moved(base::Mover::Cpu),
          .bytes_dma = moved(base::Mover::Dma),
          .system_calls = {counts.system_calls.begin(), counts.system_calls.end()}};
}

void ProgramObserver::measure_begins(std::string_view /*name*/) {
  m_open[m_kernel.current_process()].push_back(read());
}

void ProgramObserver::measure_ends(std::string_view name) {
  const syscalls::Process* process = m_kernel.current_process();
  const results::MeasureUse end = read();
  m_report.measured(name, process->pid, results::between(m_open[process].back(), end));
  m_open[process].pop_back();
}

void ProgramObserver::check(bool holds, std::string_view where, std::string_view text) {
  m_report.check(holds, who(), where, text);
}

}  // namespace sluice::simulate
