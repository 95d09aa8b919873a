// SPDX-License-Identifier: Apache-2.0
// JSON as results are written: keys in the order of their description.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace sluice::results {

using Json = nlohmann::ordered_json;

/// As it is written to a file, ending in a new line. Bytes of a name that are no UTF-8 are replaced.
std::string json_text(const Json& json);

}  // namespace sluice::results
