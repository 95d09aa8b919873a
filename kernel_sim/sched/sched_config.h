// SPDX-License-Identifier: Apache-2.0
// Parameters of the scheduler: costs, the timer tick, and the kernel features that decide who runs when.
#pragma once

#include "models/base/parameters.h"

namespace sluice::sched {

/// When a task in the kernel gives way to one that is to run instead (kernel/Kconfig.preempt, preempt=). All of them
/// do when it returns to user mode.
enum class Preemption : std::uint8_t {
  None,       ///< where long work offers it (cond_resched)
  Voluntary,  ///< also before what may sleep (might_sleep)
  Full,       ///< everywhere but with bottom halves off or in an interrupt
  Lazy,       ///< as full, but not before the next tick, nor where long work offers it
};

struct SchedConfig {
  CpuCost context_switch = CpuCost::time(1'200_ns);
  CpuCost address_space_switch = CpuCost::cycles(100);
  CpuCost wake_up = CpuCost::time(100_ns);
  CpuCost interrupt_entry = CpuCost::time(400_ns);
  CpuCost tick = CpuCost::time(1'000_ns);
  Picoseconds time_slice = 3_ms;
  Frequency tick_rate{250};
  Preemption preemption = Preemption::None;
  bool irq_time_accounting = false;

  void describe(base::ParameterTable& table);
  [[nodiscard]] Picoseconds tick_period() const { return base::cycles_time(1, tick_rate); }
};

}  // namespace sluice::sched
