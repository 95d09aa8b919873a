// SPDX-License-Identifier: Apache-2.0
// Costs and limits of the system-call layer itself; what a call does is charged by the subsystem that does it.
#pragma once

#include "models/base/parameters.h"

namespace sluice::syscalls {

struct SyscallConfig {
  CpuCost entry = CpuCost::time(90_ns);      ///< user to kernel: instruction, registers, mitigations
  CpuCost exit = CpuCost::time(60_ns);       ///< kernel to user
  CpuCost file_call = CpuCost::time(40_ns);  ///< descriptor look-up, access checks, security hooks
  CpuCost close = CpuCost::time(150_ns);     ///< freeing a file description
  CpuCost pipe = CpuCost::time(900_ns);      ///< a new pipe with two descriptions
  CpuCost fork = CpuCost::time(45'000_ns);   ///< a new task, without copying page tables
  CpuCost end_process = CpuCost::time(20'000_ns);
  CpuCost poll_entry = CpuCost::time(50_ns);  ///< poll: one descriptor looked at
  Picoseconds compute_unit = 1_ns;            ///< one unit of SystemCalls::compute
  unsigned max_files = 1U << 20;              ///< descriptors of a process (RLIMIT_NOFILE, raised to fs.nr_open)
  void describe(base::ParameterTable& table);
};

}  // namespace sluice::syscalls
