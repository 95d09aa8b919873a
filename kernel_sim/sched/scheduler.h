// SPDX-License-Identifier: Apache-2.0
// Who runs on which core. Tasks wait on wait queues and are woken from tasks or interrupts; per-core run queues, first
// come first served, with preemption when a task's time slice is over or an interrupt woke another one.
//
// Waiting, the one pattern:   while (!condition) scheduler.wait(queue, "what for");
// Kernel code is atomic between calls that consume time, so nothing can happen between the test and the wait: the task
// that leaves a core consumes no time before it is gone, and the one that arrives pays for the switch.
//
// There are no timer ticks. A time slice that is over counts at preemption points: the end of a system call, an
// interrupt that came in user mode, and between pieces of a long computation.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel_sim/hal/machine.h"
#include "models/base/parameters.h"

namespace sluice::sched {

struct SchedConfig {
  CpuCost context_switch = CpuCost::time(1'200_ns);
  CpuCost wake_up = CpuCost::time(100_ns);
  CpuCost interrupt_entry = CpuCost::time(400_ns);
  Picoseconds time_slice = 3_ms;
  void describe(base::ParameterTable& table);
};

/// Where and how a task runs.
struct Placement {
  std::optional<unsigned> core;  ///< the only core that it runs on; by default any, first the least loaded
  bool batch = false;            ///< SCHED_BATCH: it does not preempt others when it wakes up
};

class Task;

/// Tasks that wait for one kind of event. Must outlive its waiters.
class WaitQueue {
 public:
  [[nodiscard]] bool empty() const { return m_waiters.empty(); }

 private:
  friend class Scheduler;
  std::vector<Task*> m_waiters;  // first come first served; few
};

/// A schedulable thread of control. Owned by the scheduler.
class Task {
 public:
  enum class State { Runnable, Running, Waiting, Finished };

  [[nodiscard]] const std::string& name() const { return m_name; }
  [[nodiscard]] State state() const { return m_state; }
  /// What a waiting task waits for, for people.
  [[nodiscard]] std::string_view waits_for() const { return m_waits_for; }
  [[nodiscard]] const Placement& placement() const { return m_placement; }
  /// What CLOCK_THREAD_CPUTIME_ID would say: the time that it held a core, in all modes.
  [[nodiscard]] Picoseconds cpu_time() const;

  /// The physical address of the task's top page table; switched with the task. Null: keep what is loaded.
  std::optional<PhysAddr> page_table;
  /// For the system-call layer: the process this task belongs to.
  void* process = nullptr;

 private:
  friend class Scheduler;
  std::string m_name;
  State m_state = State::Runnable;
  std::string_view m_waits_for;
  const hal::Cpu* m_clock = nullptr;
  hal::Contexts::Id m_context = 0;
  Placement m_placement;
  unsigned m_core = 0;
  Picoseconds m_slice_began;
  Picoseconds m_arrived;             // on the core that it holds
  Picoseconds m_charged;             // for the cores that it held before
  std::vector<WaitQueue*> m_queues;  // that hold this task while it waits
  std::uint64_t m_waits = 0;         // tells one wait from the next, for its timer
  bool m_timed_out = false;
  bool m_pinned = false;
  bool m_background = false;
};

class Scheduler {
 public:
  Scheduler(hal::Machine& machine, const SchedConfig& config);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// A new runnable task. `background` tasks (kernel threads) do not keep the simulation alive and are not reported as
  /// stalled. Throws InputError when the machine has no core of that number.
  Task& spawn(std::string name, std::function<void()> body, Placement placement = {}, bool background = false);
  /// Null in an interrupt on an idle core and before the first task runs.
  [[nodiscard]] Task* current() const;

  /// True in a task whose bottom halves are on.
  [[nodiscard]] bool may_wait() const;
  /// Sleeps once on the queue; the caller re-tests its condition. `what` must be a literal or outlive the wait.
  void wait(WaitQueue& queue, std::string_view what);
  /// As wait, but returns false when `timeout` passes first.
  bool wait(WaitQueue& queue, std::string_view what, Picoseconds timeout);
  /// As wait, on several queues at once; woken by the first of them.
  bool wait_any(std::span<WaitQueue* const> queues, std::string_view what, std::optional<Picoseconds> timeout = {});
  /// Callable from tasks and from interrupt handlers. Charges the waker; the woken are runnable before that.
  void wake_one(WaitQueue& queue);
  void wake_all(WaitQueue& queue);
  /// Where a task may lose its core to another that waits: on the way back to user mode, between long pieces of work.
  void preemption_point();
  /// The current task now uses the address space with this top page table.
  void load_page_table(PhysAddr root);
  /// The page table is about to be freed: no core may take it for loaded when its frame serves again.
  void forget_page_table(PhysAddr root);

  // --- soft interrupts ----------------------------------------------------------------------------------------
  /// Work that an interrupt handler leaves for after itself. Runs in interrupt mode on this core when the handler
  /// returns, or when the task that had bottom halves disabled enables them. Raised again while running, it runs
  /// again; after ten rounds ksoftirqd continues as a task.
  void raise_softirq(std::function<void()> work);
  /// Nested. Between the two no softirq runs on this core, though interrupts do.
  void disable_bottom_halves();
  void enable_bottom_halves();

  /// How often a core changed its task, with idle counted as a task (Linux's sched_switch event, ctxt of /proc/stat):
  /// a task that waits on an otherwise idle core and returns makes two.
  [[nodiscard]] std::uint64_t context_switches() const;
  /// All tasks that there have been, in the order of their making; among them ksoftirqd/N, once it was needed.
  [[nodiscard]] std::vector<const Task*> tasks() const;
  /// Foreground tasks that are not finished.
  [[nodiscard]] std::vector<const Task*> unfinished() const;
  /// To be called at the end of every interrupt handler by whoever registered it with the machine; wraps a handler
  /// with entry cost, softirqs and the choice of who runs next.
  hal::Interrupts::Handler interrupt_handler(std::function<void()> handler);
  /// A timer on this core whose handler is wrapped so.
  hal::Interrupts::TimerId start_timer(Picoseconds delay, std::function<void()> handler);

 private:
  struct Core;
  struct State;

  [[nodiscard]] unsigned least_loaded() const;
  std::optional<hal::Contexts::Id> finish(Task& task);
  Core& this_core() const;
  [[nodiscard]] bool in_interrupt() const;
  Core& place(const Task& task) const;
  void make_runnable(Task& task);
  void wake(Task& task);
  Task* take_next(Core& core);
  void give_core_to(Core& core, Task* next);
  void leave_core(Task& self);
  void arrive(Task& self);
  void charge(Task& task) const;
  void run_softirqs(Core& core);
  void run_ksoftirqd(Core& core);
  void leave_interrupt();

  std::unique_ptr<State> m_state;
};

/// Bottom halves are off for the life of the guard (spin_lock_bh).
class BottomHalvesOff {
 public:
  explicit BottomHalvesOff(Scheduler& scheduler) : m_scheduler(scheduler) { m_scheduler.disable_bottom_halves(); }
  ~BottomHalvesOff() noexcept(false) { m_scheduler.enable_bottom_halves(); }
  BottomHalvesOff(const BottomHalvesOff&) = delete;
  BottomHalvesOff& operator=(const BottomHalvesOff&) = delete;

 private:
  Scheduler& m_scheduler;
};

/// A sleeping lock (struct mutex), first come first served.
class Mutex {
 public:
  explicit Mutex(Scheduler& scheduler) : m_scheduler(scheduler) {}
  void lock() {
    while (m_held) m_scheduler.wait(m_waiters, "a kernel mutex");
    m_held = true;
  }
  void unlock() {
    m_held = false;
    m_scheduler.wake_one(m_waiters);
  }

 private:
  Scheduler& m_scheduler;
  WaitQueue m_waiters;
  bool m_held = false;
};

}  // namespace sluice::sched
