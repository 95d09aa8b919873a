// SPDX-License-Identifier: Apache-2.0
// Who runs on which core. Tasks wait on wait queues and are woken from tasks or interrupts; each core has a fair run
// queue (fair_queue.h). A wake-up or a timer tick may find that another task is to run: when the running one gives way
// to it depends on the preemption model (sched_config.h).
//
// Waiting, the one pattern:   while (!condition) scheduler.wait(queue, "what for");
// Kernel code is atomic between calls that consume time, so nothing can happen between the test and the wait: the task
// that leaves a core consumes no time before it is gone, and the one that arrives pays for the switch.
//
// A core whose tasks do not compete has no timer ticks, so that it can run ahead; else the next tick is a timer.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel_sim/hal/machine.h"
#include "kernel_sim/sched/sched_config.h"
#include "kernel_sim/sched/task.h"

namespace sluice::sched {

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
  /// A signal has come for the task. If it waits it looks at its condition again.
  void interrupt(Task& task);
  /// Whether a signal has come for the running task. Whoever would wait, and may be interrupted, asks before: EINTR.
  [[nodiscard]] bool interrupted() const;
  /// On the way back to user mode: the task gives way to one that is to run instead.
  void return_to_user();
  /// Between the pieces of long work in the kernel: it gives way there, in the models none and voluntary.
  void cond_resched();
  /// Before what may sleep: it gives way there, in the model voluntary.
  void might_sleep();
  /// From now on the current task runs on these cores only, of which there is one at least (bit N: core N). It goes to
  /// one of them at once.
  void run_on(std::uint64_t cores);
  /// The current task now uses the address space with this top page table.
  void load_page_table(PhysAddr root);
  /// The page table is about to be freed: no core may take it for loaded when its frame serves again.
  void forget_page_table(PhysAddr root);

  // --- soft interrupts ----------------------------------------------------------------------------------------
  /// Work that an interrupt handler leaves for after itself. Runs in interrupt mode on this core when the handler
  /// returns, or when the task that had bottom halves disabled enables them. Raised again while running, it runs
  /// again; after ten rounds, 2 ms (in ticks), or when the interrupted task shall give way, ksoftirqd continues.
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
  /// How long one of the kernel's own timers waits, which expires with a tick (timer_wheel.h).
  [[nodiscard]] Picoseconds wheel_wait(Picoseconds delay) const;

 private:
  struct Core;
  struct State;
  class InterruptTime;

  friend class Task;

  // tasks
  [[nodiscard]] unsigned least_loaded(const Placement& placement) const;
  std::optional<hal::Contexts::Id> finish(Task& task);
  Core& this_core() const;
  [[nodiscard]] Picoseconds task_clock(const Core& core) const;
  [[nodiscard]] bool in_interrupt() const;

  // waking
  Core& place(const Task& task) const;
  void make_runnable(Task& task, FairQueue::Arrival arrival = FairQueue::Arrival::WokenOrMoved);
  void wake(Task& task);

  // preemption
  void account(Core& core);
  void send_interrupt(const Core& core);
  void wake_core(Core& core);
  void request_reschedule(Core& core);
  void preempt_in_kernel();
  void preempt_where_it_is();
  void arm_tick(Core& core);
  void tick(Core& core);

  // changing the task of a core
  Task* take_next(Core& core);
  bool pull_task(Core& core);
  void give_core_to(Core& core, Task* next);
  void schedule(Task& self);
  void arrive(Task& self);
  void leave(Task& self) const;

  // interrupts
  void leave_interrupt();
  void run_softirqs(Core& core);
  void run_ksoftirqd(Core& core);
  void wake_ksoftirqd(Core& core);

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
    m_scheduler.might_sleep();
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
