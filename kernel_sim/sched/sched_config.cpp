// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/sched/sched_config.h"

namespace sluice::sched {

void SchedConfig::describe(base::ParameterTable& table) {
  table.add("context_switch", context_switch, "choosing and switching to another task, without refilling its caches",
            "estimate, from a pipe ping-pong of one author: 2.4 us process, 1.07 us thread, with the pipe calls");
  table.add("address_space_switch", address_space_switch,
            "what a switch costs more when the next task has another address space, without refilling its TLB",
            "estimate, one CR3 write: Linux Documentation/arch/x86/pti.rst, order of a hundred cycles");
  table.add("wake_up", wake_up, "making a waiting task runnable", "estimate");
  table.add("interrupt_entry", interrupt_entry, "entry to and exit from an interrupt handler", "estimate");
  table.add("tick", tick, "work of a timer tick, beside entry and exit; ticks come while several tasks want a core",
            "estimate");
  table.add("time_slice", time_slice, {Picoseconds{1'000'000}, Picoseconds{1'000'000'000'000}},
            "what a task asks for at a time (base_slice_ns); who exceeds it loses its core at the next tick",
            "Linux 6.12 kernel/sched/fair.c: 0.75 ms (0.70 since 6.15) x (1 + ilog(cores, at most 8)), of 8 cores");
  table.add("tick_rate", tick_rate, {Frequency{24}, Frequency{10'000}}, "timer ticks per second (HZ)",
            "Linux kernel/Kconfig.hz, default");
  table.add_choice("preemption", preemption, {"none", "voluntary", "full", "lazy"},
                   "where a task in the kernel gives way to one that is to run instead",
                   "Linux kernel/Kconfig.preempt");
  table.add("irq_time_accounting", irq_time_accounting,
            "time in interrupts is no task's (CONFIG_IRQ_TIME_ACCOUNTING), else it is the interrupted task's",
            "Linux init/Kconfig, default");
}

}  // namespace sluice::sched
