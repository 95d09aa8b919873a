// SPDX-License-Identifier: Apache-2.0
// The runs of a scenario on this host's Linux: at each point of its grid all strategies in turn, several times over.
#pragma once

#include <string>
#include <vector>

#include "tools/results/run_result.h"
#include "tools/scenario/scenario.h"

namespace sluice::crosscheck {

struct NativeOptions {
  unsigned repetitions = 9;     ///< of each transfer that are measured
  unsigned warm_up = 1;         ///< of each before them
  std::string directory;        ///< for test files; empty: TMPDIR or /tmp
  bool verify = false;          ///< the receiver reads and hashes what it would discard
  unsigned timeout_s = 600;     ///< of one transfer
  bool shows_progress = false;  ///< on a terminal
};

/// The results in the order of the scenario's plans.
/// - Time and CPU time are medians over options.repetitions; `repetitions` holds each value and the spread.
/// - Processes and files exist in children of this one only, and end with it.
/// - A transfer that fails is a failed run; what the host refuses to the measurement itself is an InputError.
std::vector<results::RunResult> run_natively(const scenario::Scenario& scenario, const NativeOptions& options);

}  // namespace sluice::crosscheck
