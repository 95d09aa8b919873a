// SPDX-License-Identifier: Apache-2.0
// How far a cross-check's predictions may be from what a host measures.
//
//   tolerance: { cpu_mape_percent: 15, cpu_worst_percent: 30, kendall_tau: 0.9 }
#pragma once

#include <optional>

#include "tools/scenario/yaml_tree.h"

namespace sluice::scenario {

/// What is not given is reported and not judged.
struct Tolerance {
  std::optional<double> cpu_mape_percent;   ///< at most, >= 0: mean absolute error of CPU time
  std::optional<double> cpu_worst_percent;  ///< at most, >= 0: absolute error of the worst cell that repeats well
  std::optional<double> kendall_tau;        ///< at least, -1 to 1: of the strategies' order
};

/// Strict: InputError names the place of an unknown key or a value that is no number or out of range.
Tolerance read_tolerance(const Node& node);

}  // namespace sluice::scenario
