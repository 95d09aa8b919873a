// SPDX-License-Identifier: Apache-2.0
// Costs, limits and version-dependent features of the whole kernel.
#pragma once

#include "kernel_sim/block/block_config.h"
#include "kernel_sim/drivers/disk_driver.h"
#include "kernel_sim/fs/fs_config.h"
#include "kernel_sim/ipc/pipe_config.h"
#include "kernel_sim/mm/mm_config.h"
#include "kernel_sim/net/net_config.h"
#include "kernel_sim/sched/scheduler.h"
#include "kernel_sim/syscalls/syscall_config.h"

namespace sluice::kernel_sim {

struct KernelConfig {
  syscalls::SyscallConfig syscall;
  sched::SchedConfig sched;
  mm::MmConfig mm;
  fs::FsConfig fs;
  block::BlockConfig block;
  drivers::DiskDriverConfig disk_driver;
  ipc::PipeConfig pipe;
  net::NetConfig net;

  /// Calls visit(name of the part, its config) for each, in the order in which tools print them.
  template <class Visit>
  void for_each_part(Visit&& visit) {
    visit("syscall", syscall);
    visit("sched", sched);
    visit("mm", mm);
    visit("fs", fs);
    visit("block", block);
    visit("disk_driver", disk_driver);
    visit("pipe", pipe);
    visit("net", net);
  }
  /// Every parameter as "part.name".
  void describe(base::ParameterTable& table);
};

}  // namespace sluice::kernel_sim
