// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/sched/scheduler.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "models/base/result.h"

namespace sluice::sched {

namespace {
/// Linux's MAX_SOFTIRQ_RESTART (kernel/softirq.c).
constexpr int kSoftirqRounds = 10;
}  // namespace

void SchedConfig::describe(base::ParameterTable& table) {
  table.add("context_switch", context_switch, "choosing and switching to another task, without refilling its caches",
            "estimate, from a pipe ping-pong of one author: 2.4 us process, 1.07 us thread, with the pipe calls");
  table.add("wake_up", wake_up, "making a waiting task runnable", "estimate");
  table.add("interrupt_entry", interrupt_entry, "entry to and exit from an interrupt handler", "estimate");
  table.add("time_slice", time_slice, {Picoseconds{1'000'000}, Picoseconds{1'000'000'000'000}},
            "how long a task may keep its core while another waits for it",
            "Linux 6.12 kernel/sched/fair.c: 0.75 ms x (1 + ilog(cores)) of 8 cores");
}

struct Scheduler::Core {
  unsigned number = 0;
  std::deque<Task*> run_queue;
  Task* running = nullptr;  // null: idle
  bool reschedule = false;  // an interrupt woke somebody: preempt at the next chance
  std::optional<PhysAddr> page_table;
  unsigned bottom_halves_off = 0;
  bool in_softirq = false;
  std::vector<std::function<void()>> softirqs;
  Task* ksoftirqd = nullptr;  // made when first needed
  WaitQueue ksoftirqd_queue;
};

struct Scheduler::State {
  hal::Machine& machine;
  const SchedConfig& config;
  std::vector<std::unique_ptr<Core>> cores;
  std::vector<std::unique_ptr<Task>> tasks;
  std::uint64_t context_switches = 0;
};

Scheduler::Scheduler(hal::Machine& machine, const SchedConfig& config)
    : m_state(std::make_unique<State>(State{machine, config, {}, {}, 0})) {
  for (unsigned i = 0; i < machine.contexts.core_count(); ++i) {
    Core& core = *m_state->cores.emplace_back(std::make_unique<Core>());
    core.number = i;
  }
  machine.interrupts.set_user_return_hook([this] {
    Core& core = this_core();
    if (core.run_queue.empty()) return;
    // The interrupted piece of work goes on where it was, so the task comes back to this core.
    Task& self = *core.running;
    const bool pinned = std::exchange(self.m_pinned, true);
    m_state->machine.cpu.set_mode(hal::Mode::Kernel);
    preemption_point();
    m_state->machine.cpu.set_mode(hal::Mode::User);
    self.m_pinned = pinned;
  });
}

Scheduler::~Scheduler() = default;

// --- tasks -----------------------------------------------------------------------------------------------------------

Picoseconds Task::cpu_time() const {
  // A core may be ahead of another, so that to the latter the task has not come yet.
  if (m_state != State::Running) return m_charged;
  return m_charged + std::max(Picoseconds{}, m_clock->now() - m_arrived);
}

Task& Scheduler::spawn(std::string name, std::function<void()> body, Placement placement, bool background) {
  if (placement.core && *placement.core >= m_state->cores.size()) {
    throw base::InputError{"task " + name + ": there is no core " + std::to_string(*placement.core)};
  }
  Task& task = *m_state->tasks.emplace_back(std::make_unique<Task>());
  task.m_name = std::move(name);
  task.m_background = background;
  task.m_placement = placement;
  task.m_clock = &m_state->machine.cpu;
  task.m_pinned = placement.core.has_value();
  task.m_core = placement.core ? *placement.core : least_loaded();
  task.m_context = m_state->machine.contexts.create(task.m_name, [this, &task, body = std::move(body)] {
    arrive(task);
    body();
    return finish(task);
  });
  make_runnable(task);
  return task;
}

unsigned Scheduler::least_loaded() const {
  const auto load = [](const auto& c) { return c->run_queue.size() + (c->running != nullptr ? 1 : 0); };
  const auto least = std::min_element(m_state->cores.begin(), m_state->cores.end(),
                                      [&](const auto& a, const auto& b) { return load(a) < load(b); });
  return (*least)->number;
}

/// The end of a task: who gets its core.
std::optional<hal::Contexts::Id> Scheduler::finish(Task& task) {
  charge(task);
  task.m_state = Task::State::Finished;
  task.page_table.reset();
  m_state->machine.contexts.synchronise();
  Core& core = this_core();
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
  leave_core(self);
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

void Scheduler::wake(Task& task) {
  for (WaitQueue* queue : task.m_queues) std::erase(queue->m_waiters, &task);
  task.m_queues.clear();
  make_runnable(task);
  m_state->machine.cpu.execute(m_state->config.wake_up, hal::Work::Scheduling);
}

/// Where a task that becomes runnable goes: to its last core if that is idle, else to an idle one, else to its last.
Scheduler::Core& Scheduler::place(const Task& task) const {
  const auto idle = [](const Core& core) { return core.running == nullptr && core.run_queue.empty(); };
  Core& last = *m_state->cores[task.m_core];
  if (task.m_pinned || idle(last)) return last;
  for (const auto& core : m_state->cores) {
    if (idle(*core)) return *core;
  }
  return last;
}

void Scheduler::make_runnable(Task& task) {
  task.m_state = Task::State::Runnable;
  task.m_waits_for = {};
  if (place(task).running == nullptr) m_state->machine.contexts.synchronise();  // so that start takes effect at once
  Core& core = place(task);
  task.m_core = core.number;
  core.run_queue.push_back(&task);
  if (in_interrupt() && !task.m_placement.batch) core.reschedule = true;
  // The end of an interrupt on an idle core looks at its queue by itself.
  const bool here = m_state->machine.contexts.current_core() == core.number;
  if (core.running == nullptr && !(here && m_state->machine.contexts.in_interrupt())) {
    Task* next = take_next(core);
    give_core_to(core, next);
    m_state->machine.contexts.start(next->m_context, core.number);
  }
}

// --- changing the task of a core -------------------------------------------------------------------------------------

/// The first of the core's queue, else one that waits for another core, else nobody.
Task* Scheduler::take_next(Core& core) {
  if (!core.run_queue.empty()) {
    Task* next = core.run_queue.front();
    core.run_queue.pop_front();
    return next;
  }
  for (const auto& other : m_state->cores) {
    const auto found =
        std::find_if(other->run_queue.begin(), other->run_queue.end(), [](Task* t) { return !t->m_pinned; });
    if (found != other->run_queue.end()) {
      Task* next = *found;
      other->run_queue.erase(found);
      return next;
    }
  }
  return nullptr;
}

void Scheduler::give_core_to(Core& core, Task* next) {
  if (core.running != next) ++m_state->context_switches;
  core.running = next;
  if (next != nullptr) next->m_core = core.number;
  if (core.run_queue.empty()) core.reschedule = false;
}

/// Lets the next task run; returns when `self`, waiting or runnable by now, has a core again.
void Scheduler::leave_core(Task& self) {
  m_state->machine.contexts.synchronise();
  Core& core = this_core();
  Task* next = take_next(core);
  if (next == &self) {  // its wake-up came before it was gone
    self.m_state = Task::State::Running;
    return;
  }
  charge(self);
  give_core_to(core, next);
  m_state->machine.contexts.switch_to(next == nullptr ? std::nullopt : std::optional{next->m_context});
  arrive(self);
}

void Scheduler::arrive(Task& self) {
  hal::Cpu& cpu = m_state->machine.cpu;
  Core& core = this_core();
  self.m_state = Task::State::Running;
  self.m_arrived = cpu.now();  // the switch is at the cost of the task that arrives, as in Linux
  cpu.set_mode(hal::Mode::Kernel);
  cpu.execute(m_state->config.context_switch, hal::Work::Scheduling);
  if (self.page_table && core.page_table != self.page_table) {
    core.page_table = self.page_table;
    cpu.set_page_table(*self.page_table);
  }
  self.m_slice_began = cpu.now();
}

void Scheduler::charge(Task& task) const { task.m_charged += m_state->machine.cpu.now() - task.m_arrived; }

void Scheduler::preemption_point() {
  Core& core = this_core();
  if (core.run_queue.empty() || core.running == nullptr || core.bottom_halves_off != 0 || in_interrupt()) return;
  Task& self = *core.running;
  const bool slice_over = m_state->machine.cpu.now() - self.m_slice_began >= m_state->config.time_slice;
  if (!core.reschedule && !slice_over) return;
  core.reschedule = false;
  self.m_state = Task::State::Runnable;
  core.run_queue.push_back(&self);
  leave_core(self);
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

// --- interrupts and soft interrupts ----------------------------------------------------------------------------------

hal::Interrupts::Handler Scheduler::interrupt_handler(std::function<void()> handler) {
  return [this, handler = std::move(handler)] {
    m_state->machine.cpu.execute(m_state->config.interrupt_entry, hal::Work::Interrupt);
    handler();
    leave_interrupt();
  };
}

hal::Interrupts::TimerId Scheduler::start_timer(Picoseconds delay, std::function<void()> handler) {
  return m_state->machine.interrupts.start_timer(delay, interrupt_handler(std::move(handler)));
}

void Scheduler::leave_interrupt() {
  Core& core = this_core();
  if (core.bottom_halves_off == 0) run_softirqs(core);
  if (core.running != nullptr) return;
  if (Task* next = take_next(core); next != nullptr) {
    give_core_to(core, next);
    m_state->machine.contexts.start(next->m_context, core.number);
  }
}

void Scheduler::raise_softirq(std::function<void()> work) {
  Core& core = this_core();
  core.softirqs.push_back(std::move(work));
  if (!m_state->machine.contexts.in_interrupt() && core.bottom_halves_off == 0) run_softirqs(core);
}

void Scheduler::run_softirqs(Core& core) {
  if (core.in_softirq || core.softirqs.empty()) return;
  hal::Cpu& cpu = m_state->machine.cpu;
  const hal::Mode before = cpu.mode();
  core.in_softirq = true;
  cpu.set_mode(hal::Mode::Interrupt);
  for (int round = 0; round < kSoftirqRounds && !core.softirqs.empty(); ++round) {
    for (const auto& work : std::exchange(core.softirqs, {})) work();
  }
  cpu.set_mode(before);
  core.in_softirq = false;
  if (core.softirqs.empty()) return;
  if (core.ksoftirqd == nullptr) {
    core.ksoftirqd = &spawn(
        "ksoftirqd/" + std::to_string(core.number), [this, &core] { run_ksoftirqd(core); }, {.core = core.number},
        true);
  } else {
    wake_one(core.ksoftirqd_queue);
  }
}

void Scheduler::run_ksoftirqd(Core& core) {
  for (;;) {
    while (core.softirqs.empty()) wait(core.ksoftirqd_queue, "soft interrupts");
    run_softirqs(core);
    // Only here does the round limit give way to other tasks.
    core.reschedule = true;
    preemption_point();
  }
}

void Scheduler::disable_bottom_halves() { ++this_core().bottom_halves_off; }

void Scheduler::enable_bottom_halves() {
  Core& core = this_core();
  base::ensure(core.bottom_halves_off > 0, "bottom halves enabled more often than disabled");
  if (--core.bottom_halves_off == 0 && !m_state->machine.contexts.in_interrupt()) run_softirqs(core);
}

}  // namespace sluice::sched
