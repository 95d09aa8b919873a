// SPDX-License-Identifier: Apache-2.0
// The part of a run's results that is known before it runs.
#pragma once

#include "tools/results/json.h"
#include "tools/scenario/run_plan.h"

namespace sluice::tool {

/// "strategy", "kernel" ("simulated" or "host"), "settings", "point" when axes vary, "workload".
report::Json heading_of(const scenario::RunPlan& plan, const char* kernel);

}  // namespace sluice::tool
