// SPDX-License-Identifier: Apache-2.0
// What the scheduler keeps per core and in all; private to it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "kernel_sim/sched/scheduler.h"

namespace sluice::sched {

struct Scheduler::Core {
  explicit Core(unsigned core_number, const SchedConfig& config)
      : number(core_number), queue(config.time_slice, config.tick_period()) {}

  unsigned number;
  FairQueue queue;
  Task* running = nullptr;       // null: idle
  bool reschedule = false;       // TIF_NEED_RESCHED of the running task
  bool reschedule_lazy = false;  // TIF_NEED_RESCHED_LAZY: becomes the former at the next tick
  bool switching = false;        // between two tasks: no preemption
  std::optional<hal::Interrupts::TimerId> tick;
  std::optional<PhysAddr> page_table;

  unsigned bottom_halves_off = 0;
  bool in_softirq = false;
  std::vector<std::function<void()>> softirqs;
  Task* ksoftirqd = nullptr;  // made when first needed
  WaitQueue ksoftirqd_queue;

  unsigned interrupts = 0;  // nested: handlers, and soft interrupts but for ksoftirqd's
  Picoseconds interrupt_began;
  Picoseconds interrupt_time;  // that no task is charged for, with irq_time_accounting
};

struct Scheduler::State {
  hal::Machine& machine;
  const SchedConfig& config;
  std::vector<std::unique_ptr<Core>> cores;
  std::vector<std::unique_ptr<Task>> tasks;
  std::uint64_t context_switches = 0;
};

}  // namespace sluice::sched
