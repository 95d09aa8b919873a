// SPDX-License-Identifier: Apache-2.0
// Programs as C-like source, for people who look for the cause of a difference.
#pragma once

#include <string>

#include "tests/differential/program.h"

namespace sluice::differential {

/// One step: "n = read(d3, arena + 0x1000, 4096);" with every constant by name.
std::string to_source(const Step& step);
/// The whole program, steps numbered, the child's marked. `mark`: this step gets an arrow.
std::string to_source(const Program& program, std::size_t mark);

}  // namespace sluice::differential
