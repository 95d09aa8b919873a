// SPDX-License-Identifier: Apache-2.0
// A thread of control as the scheduler knows it, where it may run, and what it waits on.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel_sim/hal/machine.h"
#include "kernel_sim/sched/fair_queue.h"

namespace sluice::sched {

class Scheduler;
class Task;

/// Where and how a task runs.
struct Placement {
  std::optional<unsigned> core = {};  ///< the only core that it runs on; by default any, first the least loaded
  bool batch = false;                 ///< SCHED_BATCH: it does not preempt others when it wakes up
  std::uint64_t cores = kAllCores;    ///< without `core`: which of the first 64 it runs on
  static constexpr std::uint64_t kAllCores = ~std::uint64_t{0};

  [[nodiscard]] bool allows(unsigned number) const {
    if (core) return number == *core;
    return cores == kAllCores || (number < 64 && (cores >> number & 1) != 0);
  }
};

/// How often a task gave up its core to another (ru_nvcsw, ru_nivcsw).
struct TaskSwitches {
  std::uint64_t voluntary = 0;    ///< because it slept
  std::uint64_t involuntary = 0;  ///< because another was to run
};

class WaitQueue;

/// Is told what happens at a wait queue without waiting there. Leaves the queue when it goes.
class WaitListener {
 public:
  WaitListener() = default;
  virtual ~WaitListener() { leave(); }
  WaitListener(const WaitListener&) = delete;
  WaitListener& operator=(const WaitListener&) = delete;

  /// `exclusive`: of all such listeners one that takes the event is enough.
  void listen_to(WaitQueue& queue, bool exclusive);
  void leave();
  /// `events`: of <poll.h>; 0: anything may have happened. Whether it took the event.
  virtual bool happened(std::uint32_t events) = 0;

 private:
  friend class WaitQueue;
  WaitQueue* m_queue = nullptr;
  bool m_exclusive = false;
};

/// Tasks that wait for one kind of event, and listeners. Must outlive its waiters.
class WaitQueue {
 public:
  WaitQueue() = default;
  ~WaitQueue();
  WaitQueue(const WaitQueue&) = delete;
  WaitQueue& operator=(const WaitQueue&) = delete;
  [[nodiscard]] bool empty() const { return m_waiters.empty(); }
  /// Tells the listeners, beside waking the tasks: what woke Linux's waiters for `events`, or all of them for 0.
  void notify(std::uint32_t events);

 private:
  friend class Scheduler;
  friend class WaitListener;
  std::vector<Task*> m_waiters;  // first come first served; few
  std::vector<WaitListener*> m_listeners;
};

/// A schedulable thread of control. Owned by the scheduler.
class Task : private FairEntity {
 public:
  enum class State { Runnable, Running, Waiting, Finished };

  [[nodiscard]] const std::string& name() const { return m_name; }
  [[nodiscard]] State state() const { return m_state; }
  /// What a waiting task waits for, for people.
  [[nodiscard]] std::string_view waits_for() const { return m_waits_for; }
  [[nodiscard]] const Placement& placement() const { return m_placement; }
  /// What CLOCK_THREAD_CPUTIME_ID would say: the time that it held a core, in all modes. Interrupts and soft interrupts
  /// that came meanwhile are in it, unless `irq_time_accounting`.
  [[nodiscard]] Picoseconds cpu_time() const;
  /// What of it was in user mode; of a task that holds a core, as that core itself sees it.
  [[nodiscard]] Picoseconds user_time() const;
  [[nodiscard]] TaskSwitches switches() const { return m_switches; }
  /// Time that it slept, by what it slept for (waits_for()), until it ran again.
  [[nodiscard]] const std::map<std::string_view, Picoseconds>& slept() const { return m_slept; }

  /// The physical address of the task's top page table; switched with the task. Null: keep what is loaded.
  std::optional<PhysAddr> page_table;
  /// For the system-call layer: the process this task belongs to.
  void* process = nullptr;
  /// For the network stack: the memory that the task's next bytes for a socket are copied into (task_frag). It goes
  /// when the task ends.
  std::shared_ptr<void> socket_memory;
  /// There is a signal that the process must look at: waits that can be interrupted end (Scheduler::interrupted).
  bool signal_pending = false;

 private:
  friend class Scheduler;
  std::string m_name;
  State m_state = State::Runnable;
  std::string_view m_waits_for;
  const Scheduler* m_scheduler = nullptr;
  hal::Contexts::Id m_context = 0;
  Placement m_placement;
  unsigned m_core = 0;
  TaskSwitches m_switches;
  Picoseconds m_user_time;          // until it last left a core
  Picoseconds m_user_time_of_core;  // when it came to the core that it holds
  std::map<std::string_view, Picoseconds> m_slept;
  std::vector<WaitQueue*> m_queues;  // that hold this task while it waits
  std::uint64_t m_waits = 0;         // tells one wait from the next, for its timer
  bool m_timed_out = false;
  bool m_pinned = false;  // by its placement, or in the middle of what goes on on its core
  bool m_background = false;
  bool m_moves = false;  // it leaves its core for another one
};

}  // namespace sluice::sched
