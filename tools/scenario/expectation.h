// SPDX-License-Identifier: Apache-2.0
// What a scenario expects of a result, and whether it holds.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace sluice::scenario {

/// `path` names a value of the results by its keys, separated by dots; "counts." may be left out, list items are named
/// by number. Either `want` is given (a number, boolean or string) or at least one of the limits.
struct Expectation {
  std::string path;
  std::optional<nlohmann::ordered_json> want;
  std::optional<double> min;
  std::optional<double> max;
};

/// What a run's results hold that an expectation may name, "counts." left out. Lists and maps with keys of their own
/// ("moves", "system_calls") stand for all that is in them.
const std::vector<std::string>& result_paths();
/// Whether `path` can be found in some result.
bool is_result_path(const std::string& path);

/// The value at `path` in a run; null when there is none.
const nlohmann::ordered_json* find_value(const nlohmann::ordered_json& run, const std::string& path);

/// One entry per expectation, as in the results: {"what", "want" or "min" and "max", "got", "holds"}.
/// Numbers are equal when they differ by less than 1e-9 of the wanted one. A missing value does not hold.
nlohmann::ordered_json evaluate(const std::vector<Expectation>& expectations, const nlohmann::ordered_json& run);

}  // namespace sluice::scenario
