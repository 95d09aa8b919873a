// SPDX-License-Identifier: Apache-2.0
// The parts `files`, `processes` and `arguments` of a scenario file.
#pragma once

#include <string>

#include "tools/scenario/configuration.h"

namespace sluice::scenario {

/// Sets the configuration's programs from the document; InputError names the place of what is wrong, also within a
/// program. Paths are ones beside `file`.
void read_programs(const Node& root, const std::string& file, Configuration& configuration);

}  // namespace sluice::scenario
