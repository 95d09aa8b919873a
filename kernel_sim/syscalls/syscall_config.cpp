// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/syscalls/syscall_config.h"

namespace sluice::syscalls {

void SyscallConfig::describe(base::ParameterTable& table) {
  const char* null_call =
      "estimate, from a null system call of about 100 ns without and 300 ns with mitigations (napkin-math)";
  table.add("entry", entry, "system-call entry: user to kernel mode", null_call);
  table.add("exit", exit, "system-call exit: kernel to user mode", null_call);
  table.add("file_call", file_call, "descriptor look-up and access checks of a call on a file", "estimate");
  table.add("close", close, "freeing a file description", "estimate");
  table.add("pipe", pipe, "a new pipe with its two file descriptions", "estimate");
  table.add("fork", fork, "a new process, without copying its page tables", "estimate");
  table.add("end_process", end_process, "the end of a process, without freeing its pages", "estimate");
  table.add("poll_entry", poll_entry, "poll: one descriptor looked at", "estimate");
  table.add("compute_unit", compute_unit, {1_ps, 1_us}, "one unit of a program's own work", "by definition");
  table.add("max_files", max_files, {3U, 1U << 20}, "open descriptors of a process",
            "Linux fs/file.c sysctl_nr_open, the ceiling of RLIMIT_NOFILE");
}

}  // namespace sluice::syscalls
