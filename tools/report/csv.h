// SPDX-License-Identifier: Apache-2.0
// Results as CSV: a row per run, a column per value. Columns follow from the description of a result.
#pragma once

#include <string>

#include "tools/report/run_text.h"

namespace sluice::report {

/// Columns are paths ("time.elapsed_ns") that any run has, in the order of the description; a run without one has an
/// empty cell. Lists and what differs between two runs of one scenario ("simulator") are left out. RFC 4180.
std::string csv(const Runs& runs);

}  // namespace sluice::report
