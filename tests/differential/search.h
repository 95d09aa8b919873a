// SPDX-License-Identifier: Apache-2.0
// Looks for programs that differ, in several processes at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace sluice::differential {

struct Search {
  std::uint64_t seed = 1;
  std::uint64_t from = 0;                    ///< index of the first program
  std::uint64_t programs = 300;              ///< how many
  std::optional<std::chrono::minutes> time;  ///< or as many as can be run in this time
  std::uint64_t most = 1;                    ///< stop after so many programs that differ
  unsigned jobs = 1;                         ///< processes
  bool shrink = true;
  bool print = false;  ///< every program
};

/// Prints what differs, with the command that shows it again, and how many programs ran. Whether all of them agree.
bool search(const Search& search);

}  // namespace sluice::differential
