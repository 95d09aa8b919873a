// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/marks.h"

namespace sluice::simulate {
namespace {

constexpr std::string_view kLastByte = "the last byte at the receiver";

}  // namespace

Marks::Marks(platform::Machine& machine, hal::SystemcMachine& hal, kernel_sim::Kernel& kernel, std::size_t files,
             bool nothing_to_send, const std::string& failure)
    : m_machine(machine),
      m_hal(hal),
      m_kernel(kernel),
      m_nothing_to_send(nothing_to_send),
      m_failure(failure),
      m_file_began(files) {}

void Marks::begin() {
  m_hal.synchronise();
  // mounting and opening have read around the file
  for (disk::DiskController* disk : m_machine.disks) disk->make_medium_cold();
  m_machine.ledger.record(true);
  m_sender = m_kernel.current_process();
  m_calls_at_begin = m_kernel.counts_of(*m_sender);
  if (m_receiver != nullptr) m_tasks_at_begin = read_task_times();
  m_slept_at_begin = m_sender->task->slept();
  m_begin = read_counters(m_machine, m_kernel);
}

void Marks::end() {
  m_hal.synchronise();
  m_calls_at_end = m_kernel.counts_of(*m_sender);
  m_slept_at_end = m_sender->task->slept();
  m_ended = m_hal.time();
  if (m_nothing_to_send) last_byte();
  while (!m_end && m_failure.empty()) m_kernel.scheduler().wait(m_delivered, kLastByte);
}

void Marks::last_byte() {
  m_end = read_counters(m_machine, m_kernel);
  if (m_receiver != nullptr) {
    m_tasks_at_end = read_task_times();
    m_receiver_calls = m_receiver->counts.calls[static_cast<std::size_t>(syscalls::Call::Recv)];
  }
  m_machine.ledger.record(false);
  // This may be no task's context; an interrupt is one.
  sched::Scheduler& scheduler = m_kernel.scheduler();
  m_hal.machine().interrupts.start_timer_on(
      0, {}, scheduler.interrupt_handler([this, &scheduler] { scheduler.wake_all(m_delivered); }));
}

std::map<std::string, Picoseconds> Marks::slept() const {
  std::map<std::string, Picoseconds> between;
  for (const auto& [what, time] : m_slept_at_end) {
    const auto before = m_slept_at_begin.find(what);
    const Picoseconds slept = time - (before == m_slept_at_begin.end() ? Picoseconds{} : before->second);
    if (slept > Picoseconds{}) between[std::string{what}] = slept;
  }
  if (m_end->at > m_ended) between[std::string{kLastByte}] = m_end->at - m_ended;
  return between;
}

TaskTimes Marks::task_times() const {
  TaskTimes between;
  for (const auto& [name, time] : m_tasks_at_end) between[name] = time - m_tasks_at_begin.at(name);
  return between;
}

/// CPU time by task, and what no task was charged with.
TaskTimes Marks::read_task_times() const {
  Picoseconds softirqs;
  for (const sched::Task* task : m_kernel.scheduler().tasks()) {
    if (task->name().starts_with("ksoftirqd/")) softirqs += task->cpu_time();
  }
  return {{"sender", m_sender->task->cpu_time()}, {"receiver", m_receiver->task->cpu_time()}, {"ksoftirqd", softirqs}};
}

}  // namespace sluice::simulate
