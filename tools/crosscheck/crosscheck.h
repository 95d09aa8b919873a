// SPDX-License-Identifier: Apache-2.0
// `sluice crosscheck`: a scenario's grid simulated on a loopback machine and run on this host, held against each other.
#pragma once

#include <functional>

#include "tools/crosscheck/native_runs.h"
#include "tools/results/crosscheck_result.h"
#include "tools/scenario/scenario.h"

namespace sluice::crosscheck {

/// What is to be known before: the platform is of another machine, or the grid leaves what was calibrated.
std::vector<std::string> warnings_of(const scenario::Scenario& scenario, const std::string& this_cpu);

struct Options {
  NativeOptions native;      ///< its time limit and progress are those of both sides
  bool counts_only = false;  ///< hold the counts against each other and no times, from one transfer each
};

/// The same scenario on this host as calibrated when it is called.
using CalibratedAgain = std::function<scenario::Scenario()>;

/// Runs both sides. With `again`, which is called right after the measurement, predictions are the mean of what both
/// calibrations give, and the summary says by how much they differ (bracket.h).
results::CrosscheckResult run(scenario::Scenario& scenario, const Options& options, const CalibratedAgain& again = {});

}  // namespace sluice::crosscheck
