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

struct KernelConfig : base::Parameters {
  Frequency reference_frequency = parameter(
      reference_frequency, "reference_frequency", 2900_MHz, {100_MHz, 10'000_MHz},
      "clock of the cores for which the kernel's costs are given; at another cpu.frequency a cost takes as many cycles",
      "choice: the default of cpu.frequency");
  syscalls::SyscallConfig syscall = part(syscall, "syscall.");
  sched::SchedConfig sched = part(sched, "sched.");
  mm::MmConfig mm = part(mm, "mm.");
  fs::FsConfig fs = part(fs, "fs.");
  block::BlockConfig block = part(block, "block.");
  drivers::DiskDriverConfig disk_driver = part(disk_driver, "disk_driver.");
  ipc::PipeConfig pipe = part(pipe, "pipe.");
  net::NetConfig net = part(net, "net.");
};

}  // namespace sluice::kernel_sim
