// SPDX-License-Identifier: Apache-2.0
// Configurations as text.
#pragma once

#include <string>

#include "tools/scenario/scenario.h"

namespace sluice::scenario {

/// The scenario as one file that expands to the same runs: the effective machine, kernel and workload, each value with
/// its source, then strategies and axes. What was expected is left out, for it is about the values as they were
/// written.
std::string dump(const Scenario& scenario);

/// Every parameter of a configuration: value, what is allowed, help and source.
std::string describe(const Configuration& configuration);

}  // namespace sluice::scenario
