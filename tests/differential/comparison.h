// SPDX-License-Identifier: Apache-2.0
// Whether the simulated kernel answered as Linux did.
#pragma once

#include <optional>
#include <string>

#include "tests/differential/sides.h"

namespace sluice::differential {

struct Difference {
  std::size_t step;  ///< the first that differs; the number of steps for what is left at the end
  std::string what;  ///< one line: both answers
};

/// The first difference that no rule allows. Both transcripts are those of `program`.
std::optional<Difference> compare(const Program& program, const Outcome& host, const Transcript& on_host,
                                  const Outcome& simulated, const Transcript& on_simulated);

/// Runs the program on both and compares.
std::optional<Difference> differs(const Program& program, Side& host, Side& simulated);

}  // namespace sluice::differential
