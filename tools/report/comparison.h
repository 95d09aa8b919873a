// SPDX-License-Identifier: Apache-2.0
// The table of `sluice compare`: strategies as rows, what the article claims beside what was observed.
#pragma once

#include <string>

#include "tools/report/run_text.h"

namespace sluice::report {

/// One table per point of the scenario's axes, each with notes that explain where observation and claim differ, and
/// with the expectations that do not hold.
std::string comparison(const std::string& description, const Runs& runs);

}  // namespace sluice::report
