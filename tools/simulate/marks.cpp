// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/marks.h"

#include <utility>

namespace sluice::simulate {
namespace {

constexpr std::string_view kLastByte = "the last byte at the receiver";

}  // namespace

Marks::Marks(platform::Machine& machine, hal::SystemcMachine& hal, kernel_sim::Kernel& kernel,
             const scenario::Workload& workload, const scenario::Expansion& expansion, std::function<bool()> failed)
    : m_machine(machine),
      m_hal(hal),
      m_kernel(kernel),
      m_workload(workload),
      m_failed(std::move(failed)),
      m_transfer_began(workload.transfers()) {
  for (const scenario::Expansion::Sender& sender : expansion.senders) {
    m_senders.emplace_back(*this, sender.connections);
  }
}

void Marks::Sender::begin() {
  m_marks.m_hal.synchronise();
  process = m_marks.m_kernel.current_process();
  if (++m_marks.m_ready == m_marks.m_senders.size()) {
    m_marks.region_begins();
  } else {
    while (!m_marks.m_begin && !m_marks.m_failed()) {
      m_marks.m_kernel.scheduler().wait(m_marks.m_begun, "the other senders");
    }
  }
  at_begin = read();
}

void Marks::region_begins() {
  // mounting and opening have read around the file
  for (disk::DiskController* disk : m_machine.disks) disk->make_medium_cold();
  m_machine.ledger.record(true);
  if (!m_receivers.empty()) m_tasks_at_begin = read_task_times();
  m_begin = read_counters(m_machine, m_kernel);
  m_kernel.scheduler().wake_all(m_begun);
}

void Marks::Sender::file_begins(std::uint64_t index) {
  const std::uint64_t of_one = std::uint64_t{m_marks.m_workload.repeat} * m_marks.m_workload.count;
  const std::uint64_t first = scenario::first_transfer(m_marks.m_workload, m_connections.at(index / of_one));
  m_marks.m_transfer_began.at(first + index % of_one) = m_marks.m_hal.time();
}

void Marks::Sender::end() {
  m_marks.m_hal.synchronise();
  at_end = read();
  ended = m_marks.m_hal.time();
  const bool nothing_to_send = m_marks.m_workload.size == 0;
  if (++m_marks.m_ended == m_marks.m_senders.size() && nothing_to_send) m_marks.last_byte();
  while (!m_marks.m_end && !m_marks.m_failed()) m_marks.m_kernel.scheduler().wait(m_marks.m_delivered, kLastByte);
}

Marks::SenderReading Marks::Sender::read() const {
  const sched::Task& task = *process->task;
  return {.counts = m_marks.m_kernel.counts_of(*process),
          .slept = task.slept(),
          .cpu_time = task.cpu_time(),
          .user_time = task.user_time(),
          .switches = task.switches()};
}

void Marks::give_up() {
  m_kernel.scheduler().wake_all(m_begun);
  m_kernel.scheduler().wake_all(m_delivered);
}

void Marks::last_byte() {
  m_end = read_counters(m_machine, m_kernel);
  if (!m_receivers.empty()) m_tasks_at_end = read_task_times();
  for (const syscalls::Process* receiver : m_receivers) {
    m_receiver_calls += receiver->counts.calls[static_cast<std::size_t>(syscalls::Call::Recv)];
  }
  m_machine.ledger.record(false);
  // This may be no task's context; an interrupt is one.
  sched::Scheduler& scheduler = m_kernel.scheduler();
  m_hal.machine().interrupts.start_timer_on(
      0, {}, scheduler.interrupt_handler([this, &scheduler] { scheduler.wake_all(m_delivered); }));
}

std::vector<Marks::SenderUse> Marks::senders() const {
  std::vector<SenderUse> all;
  for (const Sender& sender : m_senders) {
    const SenderReading& begin = sender.at_begin;
    SenderUse use{.counts = sender.at_end.counts,
                  .cpu_time = sender.at_end.cpu_time - begin.cpu_time,
                  .user_time = sender.at_end.user_time - begin.user_time,
                  .switches = {.voluntary = sender.at_end.switches.voluntary - begin.switches.voluntary,
                               .involuntary = sender.at_end.switches.involuntary - begin.switches.involuntary}};
    for (auto& [name, count] : use.counts.system_calls) {
      const auto before = begin.counts.system_calls.find(name);
      if (before != begin.counts.system_calls.end()) count -= before->second;
    }
    use.counts.mode_switches -= begin.counts.mode_switches;
    use.counts.faults.minor -= begin.counts.faults.minor;
    use.counts.faults.major -= begin.counts.faults.major;
    all.push_back(std::move(use));
  }
  return all;
}

kernel_sim::KernelCounts Marks::counts() const {
  kernel_sim::KernelCounts sum;
  for (const SenderUse& use : senders()) {
    for (const auto& [name, count] : use.counts.system_calls) sum.system_calls[name] += count;
    sum.mode_switches += use.counts.mode_switches;
    sum.faults.minor += use.counts.faults.minor;
    sum.faults.major += use.counts.faults.major;
  }
  return sum;
}

std::map<std::string, Picoseconds> Marks::slept() const {
  std::map<std::string, Picoseconds> between;
  for (const Sender& sender : m_senders) {
    for (const auto& [what, time] : sender.at_end.slept) {
      const auto before = sender.at_begin.slept.find(what);
      const Picoseconds slept = time - (before == sender.at_begin.slept.end() ? Picoseconds{} : before->second);
      if (slept > Picoseconds{}) between[std::string{what}] += slept;
    }
    if (m_end->at > sender.ended) between[std::string{kLastByte}] += m_end->at - sender.ended;
  }
  return between;
}

TaskTimes Marks::task_times() const {
  TaskTimes between;
  for (const auto& [name, time] : m_tasks_at_end) between[name] = time - m_tasks_at_begin.at(name);
  return between;
}

/// CPU time by task, and what no task was charged with.
TaskTimes Marks::read_task_times() const {
  TaskTimes times{{"sender", {}}, {"receiver", {}}, {"ksoftirqd", {}}};
  for (const Sender& sender : m_senders) times["sender"] += sender.process->task->cpu_time();
  for (const syscalls::Process* receiver : m_receivers) times["receiver"] += receiver->task->cpu_time();
  for (const sched::Task* task : m_kernel.scheduler().tasks()) {
    if (task->name().starts_with("ksoftirqd/")) times["ksoftirqd"] += task->cpu_time();
  }
  return times;
}

}  // namespace sluice::simulate
