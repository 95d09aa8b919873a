// SPDX-License-Identifier: Apache-2.0
// Where Linux itself is free, and how far. Everything else must agree.
#pragma once

#include <span>
#include <string_view>

#include "tests/differential/program.h"
#include "tests/differential/transcript.h"

namespace sluice::differential {

/// Two answers that differ, or the lack of one.
struct Disagreement {
  const Program& program;
  std::span<const Entry> before;  ///< Linux's answers up to here
  const Entry* host;              ///< null: there is none
  const Entry* simulated;
  bool overlapping_copy;  ///< as in Outcome
  bool zeroed_on_host;    ///< wherever the bytes differ, Linux has zeroes
  bool zeroed_here;       ///< wherever the bytes differ, the simulated kernel has zeroes
};

struct Rule {
  std::string_view name;
  std::string_view reason;
  bool (*allows)(const Disagreement& disagreement);
};

std::span<const Rule> rules();

}  // namespace sluice::differential
