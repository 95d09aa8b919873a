// SPDX-License-Identifier: Apache-2.0
// One run of Lua programs on the simulated machine.
#pragma once

#include "tools/results/run_result.h"
#include "tools/scenario/run_plan.h"

namespace sluice::simulate {

/// Builds the machine, boots the kernel, starts the plan's processes together and runs until nothing is left to happen.
/// To be called once per process, for SystemC elaborates once.
results::RunResult run_programs(const scenario::RunPlan& plan);

}  // namespace sluice::simulate
