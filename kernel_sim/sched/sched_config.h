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

struct SchedConfig : base::Parameters {
  CpuCost context_switch =
      parameter(context_switch, "context_switch", CpuCost::time(1'200_ns),
                "choosing and switching to another task, without refilling its caches",
                "estimate, from a pipe ping-pong of one author: 2.4 us process, 1.07 us thread, with the pipe calls");
  CpuCost address_space_switch =
      parameter(address_space_switch, "address_space_switch", CpuCost::cycles(100),
                "what a switch costs more when the next task has another address space, without refilling its TLB",
                "estimate, one CR3 write: Linux Documentation/arch/x86/pti.rst, order of a hundred cycles");
  CpuCost wake_up = parameter(wake_up, "wake_up", CpuCost::time(100_ns), "making a waiting task runnable", "estimate");
  CpuCost send_interrupt = parameter(send_interrupt, "send_interrupt", CpuCost::time(200_ns),
                                     "telling another core by an interrupt that it has something to run", "estimate");
  CpuCost interrupt_entry = parameter(interrupt_entry, "interrupt_entry", CpuCost::time(400_ns),
                                      "entry to and exit from an interrupt handler", "estimate");
  CpuCost tick =
      parameter(tick, "tick", CpuCost::time(1'000_ns),
                "work of a timer tick, beside entry and exit; ticks come while several tasks want a core", "estimate");
  Picoseconds time_slice =
      parameter(time_slice, "time_slice", 3_ms, {1_us, 1000_ms},
                "what a task asks for at a time (base_slice_ns); who exceeds it loses its core at the next tick",
                "Linux 6.12 kernel/sched/fair.c: 0.75 ms (0.70 since 6.15) x (1 + ilog(cores, at most 8)), of 8 cores");
  Frequency tick_rate = parameter(tick_rate, "tick_rate", 250_Hz, {24_Hz, 10000_Hz}, "timer ticks per second (HZ)",
                                  "Linux kernel/Kconfig.hz, default");
  Preemption preemption =
      choice(preemption, "preemption", Preemption::None, {"none", "voluntary", "full", "lazy"},
             "where a task in the kernel gives way to one that is to run instead", "Linux kernel/Kconfig.preempt");
  bool irq_time_accounting =
      parameter(irq_time_accounting, "irq_time_accounting", false,
                "time in interrupts is no task's (CONFIG_IRQ_TIME_ACCOUNTING), else it is the interrupted task's",
                "Linux init/Kconfig, default");

  [[nodiscard]] Picoseconds tick_period() const { return base::cycles_time(1, tick_rate); }
};

}  // namespace sluice::sched
