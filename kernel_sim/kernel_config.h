// SPDX-License-Identifier: Apache-2.0
// Everything about the kernel that a platform file can set: costs, limits, and behaviour that differs between versions.
#pragma once

#include "kernel_sim/block/block_config.h"
#include "kernel_sim/fs/fs_config.h"
#include "kernel_sim/ipc/pipe_config.h"
#include "kernel_sim/mm/mm_config.h"
#include "kernel_sim/net/net_config.h"
#include "kernel_sim/sched/scheduler.h"
#include "kernel_sim/syscalls/syscall_config.h"

namespace sluice::kernel_sim {

struct KernelConfig {
  syscalls::SyscallConfig syscalls;
  sched::SchedConfig sched;
  mm::MmConfig mm;
  block::BlockConfig block;
  fs::FsConfig fs;
  ipc::PipeConfig ipc;
  net::NetConfig net;

  /// Parameters of all subsystems, named "<subsystem>.<name>".
  void describe(base::ParameterTable& table);
};

}  // namespace sluice::kernel_sim
