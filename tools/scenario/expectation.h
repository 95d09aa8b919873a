// SPDX-License-Identifier: Apache-2.0
// What a scenario expects of a result, and whether it holds.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/results/run_result.h"

namespace sluice::scenario {

/// A number, or so many for each round and each file of the workload, so that another file size or chunk does not
/// change what is expected: `mode_switches: { per_round: 2, per_file: 2 }`.
struct Amount {
  double fixed = 0;
  double per_round = 0;
  double per_file = 0;

  [[nodiscard]] double of(const results::RunResult& run) const;
  /// More than `other` whatever the workload. Of two that count different things nobody knows.
  [[nodiscard]] bool is_above(const Amount& other) const {
    return fixed > other.fixed && per_round >= other.per_round && per_file >= other.per_file;
  }
};

/// `path` names a value of the results (tools/results/paths.h). Either `want`, a boolean or text, is given, or
/// `number`, or at least one of the limits.
struct Expectation {
  std::string path = {};
  std::optional<results::Json> want = {};
  std::optional<Amount> number = {};
  std::optional<Amount> min = {};
  std::optional<Amount> max = {};
};

/// Whether something is expected of how the processes of this name end: then no end is a failure by itself.
bool speak_of_end(const std::vector<Expectation>& expectations, const std::string& process);

/// One entry per expectation. Numbers are equal when they differ by less than 1e-9 of the wanted one. A missing value
/// does not hold. `changed` are the settings of the command line that make the run another one than the scenario's, as
/// text; with any, what does not hold differs because of them.
std::vector<results::Expected> evaluate(const std::vector<Expectation>& expectations, const results::RunResult& run,
                                        const std::vector<std::string>& changed = {});

}  // namespace sluice::scenario
