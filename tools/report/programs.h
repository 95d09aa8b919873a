// SPDX-License-Identifier: Apache-2.0
// Runs of programs as people read them.
#pragma once

#include <string>

#include "tools/report/run_text.h"

namespace sluice::report {

/// What was measured, how the processes ended and what they printed: a row for each measure and process of each point.
std::string programs_tables(const Runs& runs);
/// The same, and what failed.
std::string programs_comparison(const Runs& runs);

}  // namespace sluice::report
