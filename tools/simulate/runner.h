// SPDX-License-Identifier: Apache-2.0
// Carries out the runs of a scenario one after the other, each in a child process, and judges them.
#pragma once

#include <string>
#include <vector>

#include "tools/results/run_result.h"
#include "tools/scenario/scenario.h"

namespace sluice::tool {

struct RunOptions {
  std::string received;         ///< folder for what the peer got; empty: not kept
  unsigned timeout_s = 600;     ///< wall time of one run
  bool shows_progress = false;  ///< on a terminal, when a run takes longer than a second
};

/// Where each run's received bytes go, in the order of the plans: DIR/strategy, with `vary` DIR/strategy-POINT. Empty
/// without options.received.
std::vector<std::string> received_files(const scenario::Scenario& scenario, const RunOptions& options);

/// The results in the order of the scenario's plans; afterwards the scenario's warnings are those that the runs gave
/// rise to. With options.received, the files are in place when this returns.
std::vector<results::RunResult> run_all(scenario::Scenario& scenario, const RunOptions& options);

}  // namespace sluice::tool
