// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/kernel_config.h"

namespace sluice::kernel_sim {

void KernelConfig::describe(base::ParameterTable& table) {
  for_each_part([&](const char* name, auto& part) {
    base::ParameterTable of_part;
    part.describe(of_part);
    table.add_group(name, of_part);
  });
}

}  // namespace sluice::kernel_sim
