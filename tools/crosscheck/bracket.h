// SPDX-License-Identifier: Apache-2.0
// A host drifts: its clock, its memory and its neighbours are not the same an hour later. Two calibrations, before and
// after a measurement, tell the host's drift from the model's error.
#pragma once

#include <vector>

#include "tools/results/run_result.h"

namespace sluice::crosscheck {

/// Predicted CPU time with the second calibration against that with the first, over all runs.
struct Drift {
  double mean_percent = 0;
  double worst_percent = 0;
};

/// Both are simulations of the same plans. The times of `before` become the mean of both; a run that failed on either
/// side stays as it is and has no drift.
Drift take_mean(std::vector<results::RunResult>& before, const std::vector<results::RunResult>& after);

}  // namespace sluice::crosscheck
