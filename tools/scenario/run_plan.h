// SPDX-License-Identifier: Apache-2.0
// One run: everything that it depends on. Made by the scenario reader, carried out by tools/simulate/simulate.h.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tools/scenario/configuration.h"
#include "tools/scenario/expectation.h"

namespace sluice::scenario {

struct RunPlan {
  std::string strategy;  ///< kernel_sim/programs/strategy.h, or results::kPrograms
  Configuration configuration;
  /// The point of the product of the scenario's axes, in the order of the axes; empty without `vary`.
  std::vector<std::pair<std::string, std::string>> point;
  /// What was set beside the platform, in the order of precedence: preset, with, point, --set.
  std::vector<std::pair<std::string, std::string>> settings;
  std::vector<Expectation> expectations;
  /// What the command line set to other values than the scenario's, as text: expectations are about the scenario.
  std::vector<std::string> changed;

  std::string received;      ///< where the bytes that the peer got are written (host path); empty: nowhere
  bool plain_bytes = false;  ///< the disk holds bytes instead of naming them: slower, and nothing else may differ
  bool strace = false;       ///< record each system call for the result's "strace"
};

}  // namespace sluice::scenario
