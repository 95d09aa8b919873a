// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/syscalls/process_table.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "kernel_sim/syscalls/process_end.h"
#include "kernel_sim/syscalls/simulated_system_calls.h"

namespace sluice::syscalls {

Process& ProcessTable::add(std::string name, Process* parent, FileTable files,
                           std::unique_ptr<mm::AddressSpace> memory) {
  Process& process = *m_processes.emplace_back(
      std::make_unique<Process>(m_next_pid++, std::move(name), parent, std::move(files), std::move(memory)));
  ++m_present;
  if (parent != nullptr) parent->children.push_back(&process);
  process.user_memory.emplace(m_services.machine, m_services.frames, *process.memory, m_services.mm_config);
  return process;
}

Process& ProcessTable::start(std::string name, Main main, sched::Placement placement, unsigned first_descriptor) {
  auto memory = std::make_unique<mm::AddressSpace>(m_services.machine, m_services.frames, m_services.ledger,
                                                   m_services.mm_config);
  Process& process = add(std::move(name), nullptr, FileTable{m_config.max_files, first_descriptor}, std::move(memory));
  run(process, std::move(main), placement);
  return process;
}

Result<Process*> ProcessTable::fork(Process& parent, Main main) {
  if (m_present >= m_config.max_processes) return base::refuse(EAGAIN);
  m_services.machine.cpu.execute(m_config.fork, hal::Work::SystemCall);
  auto memory = parent.memory->fork();
  if (!memory) return tl::unexpected{memory.error()};
  Process& child = add(parent.name, &parent, parent.files, std::move(*memory));
  child.signals = parent.signals.of_child();
  run(child, std::move(main), parent.task->placement());
  return &child;
}

void ProcessTable::run(Process& process, Main main, sched::Placement placement) {
  sched::Scheduler& scheduler = m_services.scheduler;
  process.task = &scheduler.spawn(
      process.name,
      [this, &process, main = std::move(main)] {
        process.task = m_services.scheduler.current();
        process.task->process = &process;
        m_services.scheduler.load_page_table(process.memory->root());
        process.task->signal_pending = process.signals.pending();  // it may have been killed before it began
        const auto killed = process.signals.fatal();
        end(process, killed ? killed_status(*killed) : run_main(process, main));
      },
      placement);
}

int ProcessTable::run_main(Process& process, const Main& main) {
  SimulatedSystemCalls calls{*this, process};
  hal::Cpu& cpu = m_services.machine.cpu;
  int status = 0;
  try {
    cpu.set_mode(hal::Mode::User);
    status = exited_status(main(calls));
  } catch (const ProcessEnd& ended) {
    status = ended.status;
  }
  cpu.set_mode(hal::Mode::Kernel);
  return status;
}

void ProcessTable::end(Process& process, int status) {
  m_services.machine.cpu.execute(m_config.end_process, hal::Work::SystemCall);
  for (int fd = 0; static_cast<std::size_t>(fd) < process.files.size(); ++fd) {
    if (auto file = process.files.remove(fd)) SimulatedSystemCalls::release(std::move(*file));
  }
  process.splice_pipe.reset();
  const mm::FaultCounts faults = process.memory->faults();
  process.faults_of_ended = faults;
  m_faults_of_ended.minor += faults.minor;
  m_faults_of_ended.major += faults.major;
  m_faults_of_ended.copy_on_write += faults.copy_on_write;
  process.memory->clear();
  process.task->page_table.reset();
  m_services.scheduler.forget_page_table(process.memory->root());
  process.user_memory.reset();
  process.memory.reset();
  for (Process* child : process.children) {
    child->parent = nullptr;  // init takes them and reaps them
    if (child->ended) --m_present;
  }
  process.children.clear();
  process.status = status;
  process.ended = true;
  if (process.parent == nullptr) --m_present;
  m_services.scheduler.wake_all(process.has_ended);
  if (process.parent != nullptr) tell_parent(process);
}

void ProcessTable::reap(Process& child) {
  child.reaped = true;
  std::erase(child.parent->children, &child);
  --m_present;
}

/// do_notify_parent.
void ProcessTable::tell_parent(Process& process) {
  Process& parent = *process.parent;
  if (parent.signals.forgets_children()) reap(process);
  send(parent, SIGCHLD);
  m_services.scheduler.wake_all(parent.child_ended);
}

void ProcessTable::send(Process& process, int signal) {
  if (process.ended) return;  // nobody is left to tell
  process.signals.raise(signal);
  if (process.signals.pending() && process.task != nullptr) m_services.scheduler.interrupt(*process.task);
}

Result<void> ProcessTable::kill(const Process& sender, Pid pid, int signal) {
  bool any = false;
  for (std::size_t i = 0; i < m_processes.size(); ++i) {  // sending takes time, in which others may come
    Process& process = *m_processes[i];
    const bool gone = process.reaped || (process.ended && process.parent == nullptr);
    // All are of one group. -1 means everybody but the sender.
    const bool meant = pid > 0 ? process.pid == pid : pid == 0 || (pid == -1 && &process != &sender);
    if (gone || !meant) continue;
    any = true;
    if (signal != 0 && !Signals::known(signal)) return base::refuse(EINVAL);
    if (signal != 0) send(process, signal);
  }
  if (!any) return base::refuse(ESRCH);
  return {};
}

int ProcessTable::wait_for(Process& process) {
  while (!process.ended) m_services.scheduler.wait(process.has_ended, "the end of a program");
  return process.status;
}

Result<Process*> ProcessTable::wait_for_child(Process& parent, Pid pid) {
  // All processes are of one group, so 0 means any child as -1 does; other groups have no members.
  const auto meant = [&](const Process& p) { return pid == -1 || pid == 0 || p.pid == pid; };
  for (;;) {
    bool any = false;
    for (Process* const child : parent.children) {
      if (!meant(*child)) continue;
      any = true;
      if (child->ended) {
        reap(*child);
        parent.of_children += usage_of(*child);
        parent.of_children += child->of_children;
        return child;
      }
    }
    if (!any) return base::refuse(ECHILD);
    if (m_services.scheduler.interrupted()) return base::refuse(EINTR);
    m_services.scheduler.wait(parent.child_ended, "the end of a child");
  }
}

Process* ProcessTable::current() const {
  const sched::Task* task = m_services.scheduler.current();
  return task == nullptr ? nullptr : static_cast<Process*>(task->process);
}

Usage ProcessTable::usage_of(const Process& process) {
  return {.cpu = process.task->cpu_time(),
          .user = process.task->user_time(),
          .faults = process.memory != nullptr ? process.memory->faults() : process.faults_of_ended,
          .switches = process.task->switches()};
}

const Process* ProcessTable::find(Pid pid) const {
  const auto found = std::ranges::find_if(m_processes, [&](const auto& p) { return p->pid == pid && !p->ended; });
  return found == m_processes.end() ? nullptr : found->get();
}

std::vector<const Process*> ProcessTable::processes() const {
  std::vector<const Process*> all;
  for (const auto& process : m_processes) all.push_back(process.get());
  return all;
}

mm::FaultCounts ProcessTable::faults() const {
  mm::FaultCounts sum = m_faults_of_ended;
  for (const auto& process : m_processes) {
    if (process->memory == nullptr) continue;
    const mm::FaultCounts faults = process->memory->faults();
    sum.minor += faults.minor;
    sum.major += faults.major;
    sum.copy_on_write += faults.copy_on_write;
  }
  return sum;
}

}  // namespace sluice::syscalls
