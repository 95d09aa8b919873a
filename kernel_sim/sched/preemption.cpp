// SPDX-License-Identifier: Apache-2.0
// The running task's time, ticks, and where it gives way to another.
#include <algorithm>
#include <utility>

#include "kernel_sim/sched/scheduler_state.h"

namespace sluice::sched {

/// The core's time as its tasks are charged for it (rq_clock_task).
Picoseconds Scheduler::task_clock(const Core& core) const {
  const Picoseconds now = m_state->machine.cpu.now();
  if (!m_state->config.irq_time_accounting) return now;
  const Picoseconds interrupt_began = core.interrupts > 0 ? core.interrupt_began : now;
  return std::min(now, interrupt_began) - core.interrupt_time;
}

void Scheduler::account(Core& core) {
  if (core.queue.account(task_clock(core))) request_reschedule(core);
}

void Scheduler::send_interrupt(const Core& core) {
  m_state->machine.cpu.execute(m_state->config.send_interrupt, hal::Work::Scheduling);
  m_state->machine.interrupts.interrupt_core(core.number, interrupt_handler([] {}));
}

/// An idle core leaves its idle state for an interrupt, at whose end it looks at its queue. One that is in an interrupt
/// comes to that by itself.
void Scheduler::wake_core(Core& core) {
  if (core.interrupts == 0 && !std::exchange(core.reschedule, true)) send_interrupt(core);
}

/// resched_curr_lazy: the running task of a core shall give way. Another core learns of it by an interrupt, but not of
/// what may wait for its tick.
void Scheduler::request_reschedule(Core& core) {
  if (m_state->config.preemption == Preemption::Lazy) {
    core.reschedule_lazy = true;
    return;
  }
  if (std::exchange(core.reschedule, true)) return;
  if (core.number == m_state->machine.contexts.current_core()) return;
  send_interrupt(core);
}

// --- points where a task gives way -----------------------------------------------------------------------------------

void Scheduler::return_to_user() {
  Core& core = this_core();
  if ((core.reschedule || core.reschedule_lazy) && core.running != nullptr) schedule(*core.running);
}

void Scheduler::cond_resched() {
  const Preemption model = m_state->config.preemption;
  if (model != Preemption::None && model != Preemption::Voluntary) return;
  Core& core = this_core();
  if (core.reschedule && may_wait()) schedule(*core.running);
}

void Scheduler::might_sleep() {
  if (m_state->config.preemption == Preemption::Voluntary) cond_resched();
}

/// preempt_schedule: what the models full and lazy do whenever preemption becomes possible again.
void Scheduler::preempt_in_kernel() {
  const Preemption model = m_state->config.preemption;
  if (model != Preemption::Full && model != Preemption::Lazy) return;
  const Core& core = this_core();
  if (core.reschedule && may_wait() && !core.switching && core.running->m_state == Task::State::Running) {
    preempt_where_it_is();
  }
}

/// What was interrupted goes on where it was, so the task has to come back to this core.
void Scheduler::preempt_where_it_is() {
  Task& self = *this_core().running;
  const bool pinned = std::exchange(self.m_pinned, true);
  schedule(self);
  self.m_pinned = pinned;
}

// --- ticks -----------------------------------------------------------------------------------------------------------

/// Ticks matter only where several compete. They come at multiples of their period, on all cores at once.
void Scheduler::arm_tick(Core& core) {
  if (core.tick || core.queue.size() < 2) return;
  const Picoseconds period = m_state->config.tick_period();
  const Picoseconds delay{period.count() - m_state->machine.cpu.now().count() % period.count()};
  core.tick =
      m_state->machine.interrupts.start_timer_on(core.number, delay, interrupt_handler([this, &core] { tick(core); }));
}

/// scheduler_tick and entity_tick.
void Scheduler::tick(Core& core) {
  core.tick.reset();
  m_state->machine.cpu.execute(m_state->config.tick, hal::Work::Scheduling);
  if (core.reschedule_lazy) core.reschedule = true;
  account(core);
  arm_tick(core);
}

}  // namespace sluice::sched
