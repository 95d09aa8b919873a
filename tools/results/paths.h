// SPDX-License-Identifier: Apache-2.0
// The values of a run by path: keys separated by dots, list items by number. "counts." may be left out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/results/json.h"

namespace sluice::results {

/// What a scenario may expect something of. Lists and maps with keys of their own ("moves", "system_calls") stand for
/// all that is in them.
const std::vector<std::string>& result_paths();
/// Whether `path` can be found in some result.
bool is_result_path(const std::string& path);
/// The value at `path` in a run's JSON; null when there is none.
const Json* find_value(const Json& run, const std::string& path);

}  // namespace sluice::results
