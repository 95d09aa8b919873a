// SPDX-License-Identifier: Apache-2.0
// Carries out the runs of a scenario, each in a child process and several at a time, and judges them.
#pragma once

#include <string>
#include <vector>

#include "tools/results/run_result.h"
#include "tools/scenario/scenario.h"

namespace sluice::simulate {

/// Of this host, as far as this process may use them.
unsigned cores();

struct RunOptions {
  std::string received;         ///< folder for what the peer got; empty: not kept
  unsigned timeout_s = 600;     ///< wall time of one run
  unsigned jobs = cores();      ///< runs at a time; results and their order do not depend on it
  bool digest = true;           ///< "delivered.sha256" is wanted also where no expectation asks for it
  bool shows_progress = false;  ///< on a terminal, when a run takes longer than a second
};

/// Where each run's received bytes go, in the order of the plans: DIR/strategy, with `vary` DIR/strategy-POINT. Empty
/// without options.received.
std::vector<std::string> received_files(const scenario::Scenario& scenario, const RunOptions& options);

/// The results in the order of the scenario's plans; afterwards the scenario's warnings are those that the runs gave
/// rise to. With options.received, the files are in place when this returns.
std::vector<results::RunResult> run_all(scenario::Scenario& scenario, const RunOptions& options);

}  // namespace sluice::simulate
