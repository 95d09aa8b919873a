// SPDX-License-Identifier: Apache-2.0
// The part `expect` of a scenario file: what it says each strategy's results must be, for all runs or for some.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tools/scenario/expectation.h"
#include "tools/scenario/yaml_tree.h"

namespace sluice::scenario {

/// An expectation, for all runs or only for those where `parameter` is `text`.
struct ConditionalExpectation {
  Expectation expectation;
  Position at;
  std::string parameter{};  ///< empty: for all runs
  std::string text{};
};

/// By strategy.
using ExpectationsOfStrategies = std::vector<std::pair<std::string, std::vector<ConditionalExpectation>>>;

/// Of runs of one kind: paths and what is expected there.
std::vector<ConditionalExpectation> read_expectations_of_one(const Node& node, const std::string& what);
/// Strict: InputError names the place of a path that no result has, or of a strategy that is not among `strategies`.
ExpectationsOfStrategies read_expectations(const Node& node, const std::vector<std::string>& strategies);

}  // namespace sluice::scenario
