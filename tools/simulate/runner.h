// SPDX-License-Identifier: Apache-2.0
// Carries out the runs of a scenario one after the other, each in a child process, and judges them.
#pragma once

#include "tools/results/json.h"
#include "tools/scenario/scenario.h"
#include "tools/sluice/options.h"

namespace sluice::tool {

/// The list "runs" of the results. With options.received, the files are in place when this returns.
report::Json run_all(scenario::Scenario& scenario, const Options& options);

/// No failure, and every expectation holds.
bool succeeded(const report::Json& run);

}  // namespace sluice::tool
