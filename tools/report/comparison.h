// SPDX-License-Identifier: Apache-2.0
// The table of `sluice compare`: strategies as rows, what the article claims beside what was observed.
#pragma once

#include <string>
#include <vector>

#include "tools/results/json.h"

namespace sluice::report {

/// One table per point of the scenario's axes, each with lines that explain where observation and claim differ, and
/// with the expectations that do not hold. `runs` as in the results.
std::string comparison(const std::string& description, const Json& runs);

/// Why a run differs from the article, one sentence per difference, without the strategy's name.
std::vector<std::string> explanations(const Json& run);

/// Failures and expectations that do not hold, a line each; empty when all is well.
std::string complaints(const Json& run);

/// Everything about one run, for `sluice run`.
std::string details(const Json& run);

}  // namespace sluice::report
