// SPDX-License-Identifier: Apache-2.0
// Predicted over measured CPU time as a picture: one mark per cell, on logarithmic axes, with bands of error.
#pragma once

#include <string>

#include "tools/results/crosscheck_result.h"

namespace sluice::report {

/// SVG text. `crosscheck` as `sluice crosscheck --json` writes it; marks are coloured and shaped by strategy, hollow
/// where the measurement repeats worse than 5 %.
std::string scatter_svg(const results::CrosscheckResult& crosscheck);

}  // namespace sluice::report
