// SPDX-License-Identifier: Apache-2.0
// Combines what a scenario file says with the command line: one RunPlan per point of the product of its axes and
// strategy.
#pragma once

#include "tools/scenario/document.h"
#include "tools/scenario/scenario.h"

namespace sluice::scenario {

/// Sets the plans, the warnings and what all plans share; InputError names the place of what cannot be combined.
void plan_runs(Document document, const CommandLine& command_line, Scenario& scenario);

}  // namespace sluice::scenario
