// SPDX-License-Identifier: Apache-2.0
// The runs of a scenario on this host's Linux: at each point of its grid all strategies in turn, several times over.
#pragma once

#include "tools/results/json.h"
#include "tools/scenario/scenario.h"
#include "tools/sluice/options.h"

namespace sluice::tool {

/// The list "runs" of the results, in the order of the scenario's plans, with "kernel": "host".
/// - Time and CPU time are medians over options.native.repetitions; "repetitions" holds each value and the spread.
/// - Processes and files exist in children of this one only, and end with it.
/// - A transfer that fails is a failed run; what the host refuses to the measurement itself is an InputError.
report::Json run_natively(const scenario::Scenario& scenario, const Options& options);

}  // namespace sluice::tool
