// SPDX-License-Identifier: Apache-2.0
// The results of runs as JSON (schema: results.schema.json), in the order in which they are written.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace sluice::report {

using Json = nlohmann::ordered_json;

inline constexpr const char* kResultsSchema = "sluice.results/1";

/// {"schema", "scenario", "runs"}: what --json writes, ending in a new line. `runs` is a list of runs.
std::string results_text(const std::string& scenario, const Json& runs);

/// As it is written to a file, ending in a new line.
std::string json_text(const Json& json);

/// A number of a run, 0 when it is not there (a failed run has no results).
double number_at(const Json& run, const char* group, const char* key);
/// The sentences that make a run a failed one; empty when it succeeded.
Json failures_of(const Json& run);

}  // namespace sluice::report
