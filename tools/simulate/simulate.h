// SPDX-License-Identifier: Apache-2.0
// One run, from the machine's elaboration to its result. Called once per process, in a child of the command line.
#pragma once

#include "tools/results/run_result.h"
#include "tools/scenario/run_plan.h"

namespace sluice::simulate {

using scenario::RunPlan;

/// Everything of the result but the expectations, the wall time, and the digest of bytes that are what was sent: that
/// is the same for all runs that send them, and the caller's to make. The delivered bytes go to plan.received when that
/// is set. Throws InputError (bad input found late) or SimulatorBug.
results::RunResult run(const RunPlan& plan);

}  // namespace sluice::simulate
