// SPDX-License-Identifier: Apache-2.0
// The part of a run's result that is known before it runs.
#pragma once

#include "tools/results/run_result.h"
#include "tools/scenario/run_plan.h"

namespace sluice::simulate {

/// Strategy, settings, point, workload; on the simulated kernel the features that explain the counts.
/// `kernel` is results::kSimulated or kHost.
results::RunResult heading_of(const scenario::RunPlan& plan, const char* kernel);

}  // namespace sluice::simulate
