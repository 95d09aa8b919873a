// SPDX-License-Identifier: Apache-2.0
// Configurations as text.
#pragma once

#include <string>

#include "tools/scenario/run_plan.h"

namespace sluice::scenario {

/// The effective machine and kernel of a run as a platform file that reads back to the same configuration, each value
/// with its source; the workload stands in comments.
std::string dump(const RunPlan& plan);

/// Every parameter of a configuration: value, what is allowed, help and source.
std::string describe(const Configuration& configuration);

}  // namespace sluice::scenario
