// SPDX-License-Identifier: Apache-2.0
// `sluice crosscheck`: a scenario's grid simulated on a loopback machine and run on this host, held against each other.
#pragma once

#include "tools/results/json.h"
#include "tools/scenario/scenario.h"
#include "tools/sluice/options.h"

namespace sluice::tool {

inline constexpr const char* kCrosscheckSchema = "sluice.crosscheck/1";

/// What is to be known before: the platform is of another machine, or the grid leaves what was calibrated.
std::vector<std::string> crosscheck_warnings(const scenario::Scenario& scenario, const std::string& this_cpu);

/// Runs both sides. {"schema", "scenario", "description", "summary", "breaches", "crossovers", "cells", "runs"}; "runs"
/// as in the results, of both kernels.
report::Json crosscheck(scenario::Scenario& scenario, const Options& options);

}  // namespace sluice::tool
