// SPDX-License-Identifier: Apache-2.0
// Costs and limits of the system-call layer itself; what a call does is charged by the subsystem that does it.
#pragma once

#include "models/base/parameters.h"

namespace sluice::syscalls {

struct SyscallConfig : base::Parameters {
  static constexpr const char* kNullCall =
      "estimate, from a null system call of about 100 ns without and 300 ns with mitigations (napkin-math)";

  CpuCost entry = parameter(entry, "entry", CpuCost::time(90_ns), "system-call entry: user to kernel mode", kNullCall);
  CpuCost exit = parameter(exit, "exit", CpuCost::time(60_ns), "system-call exit: kernel to user mode", kNullCall);
  CpuCost file_call = parameter(file_call, "file_call", CpuCost::time(40_ns),
                                "descriptor look-up and access checks of a call on a file", "estimate");
  CpuCost close = parameter(close, "close", CpuCost::time(150_ns), "freeing a file description", "estimate");
  CpuCost pipe =
      parameter(pipe, "pipe", CpuCost::time(900_ns), "a new pipe with its two file descriptions", "estimate");
  CpuCost fork =
      parameter(fork, "fork", CpuCost::time(45'000_ns), "a new process, without copying its page tables", "estimate");
  CpuCost end_process = parameter(end_process, "end_process", CpuCost::time(20'000_ns),
                                  "the end of a process, without freeing its pages", "estimate");
  CpuCost poll_entry =
      parameter(poll_entry, "poll_entry", CpuCost::time(50_ns), "poll: one descriptor looked at", "estimate");
  CpuCost epoll_ctl = parameter(epoll_ctl, "epoll_ctl", CpuCost::time(150_ns),
                                "epoll_ctl: the watch of one file made, changed or taken away", "estimate");
  CpuCost epoll_event = parameter(epoll_event, "epoll_event", CpuCost::time(60_ns),
                                  "epoll_wait: one file of the ready list looked at and told", "estimate");
  CpuCost compute_unit =
      parameter(compute_unit, "compute_unit", CpuCost::time(1_ns), "one unit of a program's own work", "by definition");
  Picoseconds timer_slack =
      parameter(timer_slack, "timer_slack", 50_us, {0_us, 10_ms},
                "how much later a sleep may end, so that timers are served together: the latest is taken",
                "Linux init/init_task.c timer_slack_ns, 50 us");
  unsigned max_processes = parameter(max_processes, "max_processes", 4096, {1U, 1U << 15},
                                     "processes that there may be at a time; fork answers EAGAIN beyond",
                                     "choice: what a user may have on a small server, TasksMax or RLIMIT_NPROC");
  unsigned max_files = parameter(max_files, "max_files", 1U << 20, {3U, 1U << 20}, "open descriptors of a process",
                                 "Linux fs/file.c sysctl_nr_open, the ceiling of RLIMIT_NOFILE");
};

}  // namespace sluice::syscalls
