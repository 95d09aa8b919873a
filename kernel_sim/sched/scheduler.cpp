// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/sched/scheduler.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "kernel_sim/sched/scheduler_state.h"
#include "models/base/result.h"

namespace sluice::sched {

Scheduler::Scheduler(hal::Machine& machine, const SchedConfig& config)
    : m_state(std::make_unique<State>(State{machine, config, {}, {}, 0})) {
  for (unsigned i = 0; i < machine.contexts.core_count(); ++i) {
    m_state->cores.push_back(std::make_unique<Core>(i, config));
  }
  machine.interrupts.set_return_hook([this] {
    hal::Cpu& cpu = m_state->machine.cpu;
    if (cpu.mode() == hal::Mode::Kernel) return preempt_in_kernel();
    if (!this_core().reschedule && !this_core().reschedule_lazy) return;
    cpu.set_mode(hal::Mode::Kernel);
    preempt_where_it_is();
    cpu.set_mode(hal::Mode::User);
  });
}

Scheduler::~Scheduler() = default;

// --- tasks -----------------------------------------------------------------------------------------------------------

Picoseconds Task::cpu_time() const {
  if (m_state != State::Running) return executed;
  // A core may be ahead of another, so that to the latter the task has not come yet.
  return executed + std::max(Picoseconds{}, m_scheduler->task_clock(*m_scheduler->m_state->cores[m_core]) - accounted);
}

Picoseconds Task::user_time() const {
  if (m_state != State::Running) return m_user_time;
  return m_user_time + m_scheduler->m_state->machine.cpu.user_time() - m_user_time_of_core;
}

Task& Scheduler::spawn(std::string name, std::function<void()> body, Placement placement, bool background) {
  if (placement.core && *placement.core >= m_state->cores.size()) {
    throw base::InputError{"task " + name + ": there is no core " + std::to_string(*placement.core)};
  }
  Task& task = *m_state->tasks.emplace_back(std::make_unique<Task>());
  task.m_name = std::move(name);
  task.m_background = background;
  task.m_placement = placement;
  task.m_scheduler = this;
  task.m_pinned = placement.core.has_value();
  task.m_core = placement.core ? *placement.core : least_loaded(placement);
  task.m_context = m_state->machine.contexts.create(task.m_name, [this, &task, body = std::move(body)] {
    arrive(task);
    body();
    return finish(task);
  });
  make_runnable(task, FairQueue::Arrival::New);
  return task;
}

unsigned Scheduler::least_loaded(const Placement& placement) const {
  const Core* least = nullptr;
  for (const auto& core : m_state->cores) {
    if (!placement.allows(core->number)) continue;
    if (least == nullptr || core->queue.size() < least->queue.size()) least = core.get();
  }
  return least->number;
}

/// The end of a task: who gets its core.
std::optional<hal::Contexts::Id> Scheduler::finish(Task& task) {
  task.page_table.reset();
  task.socket_memory.reset();
  m_state->machine.contexts.synchronise();
  Core& core = this_core();
  account(core);
  core.queue.dequeue(task, FairQueue::Departure::Moves);
  leave(task);
  task.m_state = Task::State::Finished;
  Task* next = take_next(core);
  give_core_to(core, next);
  if (next == nullptr) return {};
  return next->m_context;
}

Task* Scheduler::current() const { return this_core().running; }

Scheduler::Core& Scheduler::this_core() const { return *m_state->cores[m_state->machine.contexts.current_core()]; }

bool Scheduler::may_wait() const {
  return !in_interrupt() && this_core().running != nullptr && this_core().bottom_halves_off == 0;
}

bool Scheduler::in_interrupt() const { return m_state->machine.contexts.in_interrupt() || this_core().in_softirq; }

std::uint64_t Scheduler::context_switches() const { return m_state->context_switches; }

std::vector<const Task*> Scheduler::tasks() const {
  std::vector<const Task*> all;
  for (const auto& task : m_state->tasks) all.push_back(task.get());
  return all;
}

std::vector<const Task*> Scheduler::unfinished() const {
  std::vector<const Task*> found;
  for (const auto& task : m_state->tasks) {
    if (!task->m_background && task->m_state != Task::State::Finished) found.push_back(task.get());
  }
  return found;
}

// --- waiting and waking ----------------------------------------------------------------------------------------------

void Scheduler::wait(WaitQueue& queue, std::string_view what) {
  WaitQueue* const queues[] = {&queue};
  wait_any(queues, what);
}

bool Scheduler::wait(WaitQueue& queue, std::string_view what, Picoseconds timeout) {
  WaitQueue* const queues[] = {&queue};
  return wait_any(queues, what, timeout);
}

bool Scheduler::wait_any(std::span<WaitQueue* const> queues, std::string_view what,
                         std::optional<Picoseconds> timeout) {
  const Core& core = this_core();
  base::ensure(!in_interrupt() && core.running != nullptr, "only a task may wait");
  base::ensure(core.bottom_halves_off == 0, "a task must not wait with bottom halves off");
  Task& self = *core.running;
  self.m_state = Task::State::Waiting;
  self.m_waits_for = what;
  self.m_timed_out = false;
  const std::uint64_t this_wait = ++self.m_waits;
  for (WaitQueue* queue : queues) {
    queue->m_waiters.push_back(&self);
    self.m_queues.push_back(queue);
  }
  std::optional<hal::Interrupts::TimerId> timer;
  if (timeout) {
    timer = start_timer(*timeout, [this, &self, this_wait] {
      if (self.m_state != Task::State::Waiting || self.m_waits != this_wait) return;
      self.m_timed_out = true;
      wake(self);
    });
  }
  const Picoseconds began = m_state->machine.cpu.now();
  schedule(self);
  self.m_slept[what] += m_state->machine.cpu.now() - began;
  if (timer && !self.m_timed_out) m_state->machine.interrupts.cancel_timer(*timer);
  return !self.m_timed_out;
}

void Scheduler::wake_one(WaitQueue& queue) {
  if (!queue.m_waiters.empty()) wake(*queue.m_waiters.front());
}

void Scheduler::wake_all(WaitQueue& queue) {
  // Whoever waits again while the cost of waking is being paid is not woken twice.
  for (std::size_t n = queue.m_waiters.size(); n > 0 && !queue.m_waiters.empty(); --n) wake(*queue.m_waiters.front());
}

void Scheduler::interrupt(Task& task) {
  task.signal_pending = true;
  if (task.m_state == Task::State::Waiting) wake(task);
}

bool Scheduler::interrupted() const {
  const Task* task = current();
  return task != nullptr && task->signal_pending;
}

void Scheduler::wake(Task& task) {
  for (WaitQueue* queue : task.m_queues) std::erase(queue->m_waiters, &task);
  task.m_queues.clear();
  make_runnable(task);
  m_state->machine.cpu.execute(m_state->config.wake_up, hal::Work::Scheduling);
  preempt_in_kernel();
}

/// Where a task that becomes runnable goes: to its last core if that is idle, else to an idle one, else to its last.
Scheduler::Core& Scheduler::place(const Task& task) const {
  const auto idle = [&](const Core& core) {
    return core.running == nullptr && core.queue.size() == 0 && task.m_placement.allows(core.number);
  };
  Core& last = *m_state->cores[task.m_core];
  if (!task.m_moves && (task.m_pinned || task.delayed || idle(last))) return last;
  for (const auto& core : m_state->cores) {
    if (idle(*core)) return *core;
  }
  return task.m_moves ? *m_state->cores[least_loaded(task.m_placement)] : last;
}

void Scheduler::make_runnable(Task& task, FairQueue::Arrival arrival) {
  task.m_waits_for = {};
  if (m_state->cores[task.m_core]->running == &task) {  // it has not left its core yet
    task.m_state = Task::State::Running;
    return;
  }
  task.m_state = Task::State::Runnable;
  if (place(task).running == nullptr) m_state->machine.contexts.synchronise();  // so that start takes effect at once
  Core& core = place(task);
  task.m_core = core.number;
  account(core);
  core.queue.enqueue(task, arrival);
  arm_tick(core);
  if (core.running != nullptr) {
    if (!task.m_placement.batch && core.queue.preempts(task)) request_reschedule(core);
    return;
  }
  // Before the first task runs, nobody is there who could send an interrupt: the core just starts.
  const bool boots = this_core().running == nullptr && !m_state->machine.contexts.in_interrupt();
  if (!boots) return wake_core(core);
  Task* next = take_next(core);
  give_core_to(core, next);
  m_state->machine.contexts.start(next->m_context, core.number);
}

// --- changing the task of a core -------------------------------------------------------------------------------------

/// The best of the core's queue, else one that waits for another core, else nobody.
Task* Scheduler::take_next(Core& core) {
  FairEntity* best = core.queue.switch_to_best(task_clock(core));
  if (best == nullptr && pull_task(core)) best = core.queue.switch_to_best(task_clock(core));
  core.reschedule = false;
  core.reschedule_lazy = false;
  return static_cast<Task*>(best);
}

/// An idle core takes a task that waits for another one, but not the one for which that other is being woken.
bool Scheduler::pull_task(Core& core) {
  for (const auto& other : m_state->cores) {
    const auto& waiting = other->queue.waiting();
    if (other->running == nullptr && waiting.size() < 2) continue;
    for (FairEntity* entity : waiting) {
      const Task& task = static_cast<const Task&>(*entity);
      if (entity->delayed || task.m_pinned || !task.m_placement.allows(core.number)) continue;
      account(*other);
      other->queue.dequeue(*entity, FairQueue::Departure::Moves);
      core.queue.enqueue(*entity, FairQueue::Arrival::WokenOrMoved);
      return true;
    }
  }
  return false;
}

void Scheduler::give_core_to(Core& core, Task* next) {
  if (core.running != next) ++m_state->context_switches;
  core.running = next;
  if (next != nullptr) {
    next->m_core = core.number;
  } else if (core.tick) {
    m_state->machine.interrupts.cancel_timer(*std::exchange(core.tick, std::nullopt));
  }
}

/// Lets the best task run; returns when `self`, which waits or is preempted, has a core.
void Scheduler::schedule(Task& self) {
  const bool sleeps = self.m_state == Task::State::Waiting;
  m_state->machine.contexts.synchronise();
  if (sleeps && self.m_state != Task::State::Waiting) return;  // its wake-up came before it was gone
  Core& core = this_core();
  account(core);
  if (sleeps) core.queue.dequeue(self, self.m_moves ? FairQueue::Departure::Moves : FairQueue::Departure::Sleeps);
  Task* next = take_next(core);
  if (next == &self) return;
  leave(self);
  if (!sleeps) self.m_state = Task::State::Runnable;
  ++(sleeps ? self.m_switches.voluntary : self.m_switches.involuntary);
  give_core_to(core, next);
  m_state->machine.contexts.switch_to(next == nullptr ? std::nullopt : std::optional{next->m_context});
  arrive(self);
}

void Scheduler::leave(Task& self) const {
  self.m_user_time += m_state->machine.cpu.user_time() - self.m_user_time_of_core;
}

/// The switch is at the cost of the task that arrives, as in Linux.
void Scheduler::arrive(Task& self) {
  hal::Cpu& cpu = m_state->machine.cpu;
  Core& core = this_core();
  self.m_state = Task::State::Running;
  self.m_user_time_of_core = cpu.user_time();
  core.switching = true;
  cpu.set_mode(hal::Mode::Kernel);
  cpu.execute(m_state->config.context_switch, hal::Work::Scheduling);
  if (self.page_table && core.page_table != self.page_table) {
    core.page_table = self.page_table;
    cpu.set_page_table(*self.page_table);
    cpu.execute(m_state->config.address_space_switch, hal::Work::Scheduling);
  }
  core.switching = false;
}

/// Linux's migration thread takes a task from its core and puts it into the queue of another; the task sleeps for about
/// as long as that thread needs to come.
void Scheduler::run_on(std::uint64_t cores) {
  Task& self = *this_core().running;
  const bool one = std::has_single_bit(cores);
  self.m_placement.core = one ? std::optional{static_cast<unsigned>(std::countr_zero(cores))} : std::nullopt;
  self.m_placement.cores = cores;
  WaitQueue nobody;
  while (!self.m_placement.allows(this_core().number)) {
    self.m_moves = true;
    self.m_pinned = false;
    wait(nobody, "a core that it may run on", m_state->config.context_switch.at(m_state->machine.cpu.frequency()));
    self.m_moves = false;
  }
  self.m_pinned = one;
}

void Scheduler::load_page_table(PhysAddr root) {
  Core& core = this_core();
  core.running->page_table = root;
  core.page_table = root;
  m_state->machine.cpu.set_page_table(root);
}

void Scheduler::forget_page_table(PhysAddr root) {
  for (const auto& core : m_state->cores) {
    if (core->page_table == root) core->page_table.reset();
  }
}

}  // namespace sluice::sched
