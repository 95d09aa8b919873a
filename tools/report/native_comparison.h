// SPDX-License-Identifier: Apache-2.0
// The table of `sluice native`: strategies as rows, with what this host took and how well it repeats.
#pragma once

#include <string>

#include "tools/results/json.h"

namespace sluice::report {

/// One table per point of the scenario's axes. `runs` as in the results, all with "kernel": "host".
std::string native_comparison(const std::string& description, const Json& runs);

}  // namespace sluice::report
