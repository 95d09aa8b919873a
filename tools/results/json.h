// SPDX-License-Identifier: Apache-2.0
// JSON as results are written: keys in the order of their description.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

// Half of what a file that holds a JSON value is compiled for would be this class over again; json.cpp has it.
extern template class nlohmann::basic_json<nlohmann::ordered_map>;
extern template class std::vector<nlohmann::ordered_json>;

namespace sluice::results {

using Json = nlohmann::ordered_json;

/// As it is written to a file, ending in a new line. Bytes of a name that are no UTF-8 are replaced.
std::string json_text(const Json& json);

}  // namespace sluice::results
