// SPDX-License-Identifier: Apache-2.0
// Settings that made no difference, as observed while the runs went on.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/results/run_result.h"
#include "tools/scenario/scenario.h"

namespace sluice::simulate {

/// Watches the kernel's costs that were set for a run. Must outlive the run.
class WatchedCosts {
 public:
  explicit WatchedCosts(scenario::RunPlan& plan);
  /// The keys of those that no part of the run has paid.
  [[nodiscard]] std::vector<std::string> unused() const;

 private:
  std::map<std::string, bool> m_used;
};

/// A sentence for each cost that was set and that no run paid, and for each varied parameter whose values all give the
/// same results. The runs are in the order of the scenario's plans.
std::vector<std::string> settings_without_effect(const scenario::Scenario& scenario,
                                                 const std::vector<results::RunResult>& runs);

}  // namespace sluice::simulate
