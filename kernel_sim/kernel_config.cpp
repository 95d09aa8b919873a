// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/kernel_config.h"

namespace sluice::kernel_sim {

void KernelConfig::describe(base::ParameterTable& table) {
  const auto include = [&](const char* subsystem, auto& config) {
    base::ParameterTable part;
    config.describe(part);
    table.include(subsystem, part);
  };
  include("syscalls", syscalls);
  include("sched", sched);
  include("mm", mm);
  include("block", block);
  include("fs", fs);
  include("ipc", ipc);
  include("net", net);
}

}  // namespace sluice::kernel_sim
