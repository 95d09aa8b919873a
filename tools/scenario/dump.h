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

/// Every parameter of a configuration: value, what is allowed, the rules it is part of, help, source and file. With
/// `key` that one, or all that stand below it ("cache").
std::string describe(const Configuration& configuration, const std::string& key = {});
/// Whether some machine has such a parameter, or has some below it.
bool is_parameter(const std::string& key);

}  // namespace sluice::scenario
