// SPDX-License-Identifier: Apache-2.0
// Configurations as text.
#pragma once

#include <string>

#include "tools/scenario/run_plan.h"

namespace sluice::scenario {

/// A run as a scenario file of its own that reads back to the same run: the effective machine and kernel, each value
/// with its source, workload and strategy.
std::string dump(const RunPlan& plan);

/// Every parameter of a configuration: value, what is allowed, help and source.
std::string describe(const Configuration& configuration);

}  // namespace sluice::scenario
