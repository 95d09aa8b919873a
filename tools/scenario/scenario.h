// SPDX-License-Identifier: Apache-2.0
// A scenario file, read, checked and expanded into runs. Whatever is wrong with it is an InputError of one line.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tools/scenario/run_plan.h"
#include "tools/scenario/tolerance.h"

namespace sluice::scenario {

inline constexpr std::size_t kMaxRuns = 10'000;

/// What the command line adds to a scenario.
struct CommandLine {
  std::string file;               ///< --file: the payload instead of the workload's file; empty: as written
  std::vector<std::string> sets;  ///< --set key=value
  bool strace = false;
  std::string platform = {};  ///< --platform: a platform file instead of the scenario's; empty: as written
};

struct Scenario {
  std::string path;
  std::string description;
  Tolerance tolerance;
  Configuration common;  ///< of all runs, without what a strategy or `vary` sets
  /// What was set beside the platform for all runs: `with`, then --set.
  std::vector<std::pair<std::string, std::string>> settings;
  std::vector<RunPlan> plans;         ///< points in the order of the product, last axis fastest; then strategies
  std::vector<std::string> warnings;  ///< one line each
};

/// Precedence: platform < strategy preset < with and vary < --set. A varied key that is set loses its axis.
Scenario load_scenario(const std::string& path, const CommandLine& command_line);

}  // namespace sluice::scenario
