// SPDX-License-Identifier: Apache-2.0
// Who runs on which core. Tasks wait on wait queues and are woken from tasks or interrupts; per-core run queues, first
// come first served, with preemption when a task's time slice is over or an interrupt woke another one.
//
// Waiting, the one pattern:   while (!condition) scheduler.wait(queue, "what for");
// Kernel code is atomic between calls that consume time, so nothing can happen between the test and the wait.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
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

class Task;

/// Tasks that wait for one kind of event. Must outlive its waiters.
class WaitQueue {
 public:
  [[nodiscard]] bool empty() const { return m_waiters.empty(); }

 private:
  friend class Scheduler;
  std::deque<Task*> m_waiters;
};

/// A schedulable thread of control. Owned by the scheduler.
class Task {
 public:
  enum class State { Runnable, Running, Waiting, Finished };

  [[nodiscard]] const std::string& name() const { return m_name; }
  [[nodiscard]] State state() const { return m_state; }
  /// What a waiting task waits for, for people.
  [[nodiscard]] std::string_view waits_for() const { return m_waits_for; }

  /// The physical address of the task's top page table; switched with the task. Null: keep what is loaded.
  std::optional<PhysAddr> page_table;
  /// For the system-call layer: the process this task belongs to.
  void* process = nullptr;

 private:
  friend class Scheduler;
  std::string m_name;
  State m_state = State::Runnable;
  std::string_view m_waits_for;
  hal::Contexts::Id m_context = 0;
  unsigned m_core = 0;
  Picoseconds m_slice_began;
  bool m_background = false;
};

class Scheduler {
 public:
  Scheduler(hal::Machine& machine, const SchedConfig& config);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// A new runnable task on `core` (by default the least loaded). `background` tasks (kernel threads) do not keep the
  /// simulation alive and are not reported as stalled.
  Task& spawn(std::string name, std::function<void()> body, std::optional<unsigned> core = {}, bool background = false);
  /// Null in an interrupt on an idle core and before the first task runs.
  [[nodiscard]] Task* current() const;

  /// Sleeps once on the queue; the caller re-tests its condition. `what` must be a literal or outlive the wait.
  void wait(WaitQueue& queue, std::string_view what);
  /// As wait, but returns false when `timeout` passes first.
  bool wait(WaitQueue& queue, std::string_view what, Picoseconds timeout);
  /// Callable from tasks and from interrupt handlers.
  void wake_one(WaitQueue& queue);
  void wake_all(WaitQueue& queue);
  /// Where a task may lose its core to another that waits: on the way back to user mode, between long pieces of work.
  void preemption_point();

  // --- soft interrupts ----------------------------------------------------------------------------------------
  /// Work that an interrupt handler leaves for after itself. Runs in interrupt mode on this core when the handler
  /// returns, or when the task that had bottom halves disabled enables them. Raised again while running, it runs
  /// again; after ten rounds ksoftirqd continues as a task.
  void raise_softirq(std::function<void()> work);
  /// Nested. Between the two no softirq runs on this core, though interrupts do.
  void disable_bottom_halves();
  void enable_bottom_halves();

  [[nodiscard]] std::uint64_t context_switches() const;
  /// Foreground tasks that are not finished.
  [[nodiscard]] std::vector<const Task*> unfinished() const;
  /// To be called at the end of every interrupt handler by whoever registered it with the machine; wraps a handler
  /// with entry cost, softirqs and the choice of who runs next.
  hal::Interrupts::Handler interrupt_handler(std::function<void()> handler);

 private:
  struct Core;
  struct State;
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
