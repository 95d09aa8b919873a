// SPDX-License-Identifier: Apache-2.0
// What a core is worth at a moment. Its clock is not always the same, and on a hyper-threaded host (to a virtual
// machine, unseen) its other thread may be at work: system calls then take a quarter to two thirds as much again, by
// what they do. A chain of dependent instructions takes as long as the clock says, whoever else is there; independent
// ones take longer when another thread issues its own between them. Their ratio tells the two apart.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace sluice::native {

/// Two fixed pieces of work, together about 2 us.
struct CoreProbe {
  static constexpr unsigned kChainCycles = 2100;

  double chain_ns = 0;        ///< kChainCycles of dependent multiplications
  double independent_ns = 0;  ///< independent additions

  /// Hertz; exact on x86-64, where a multiplication takes three cycles, and elsewhere good for comparisons.
  [[nodiscard]] double clock() const { return kChainCycles / chain_ns * 1e9; }
  [[nodiscard]] double ratio() const { return independent_ns / chain_ns; }
};

/// What a program did between two probes of its only core.
struct ProbedWindow {
  std::int64_t began_at_ns = 0;  ///< CLOCK_MONOTONIC
  std::int64_t ended_at_ns = 0;
  double work = 0;  ///< in a unit that takes about as long each time, e.g. a byte of a stream
  CoreProbe before;
  CoreProbe after;

  [[nodiscard]] double ns() const { return static_cast<double>(ended_at_ns - began_at_ns); }
};

/// Those of one run.
struct Probes {
  std::vector<CoreProbe> all;
  std::vector<ProbedWindow> windows = {};  ///< where it is known how much was done
};

/// Times both pieces, without what reading the clock takes.
CoreProbe probe_core();

/// The ratio that a core of one's own has, by `ratios` of which some were of such a core: the least around which ratios
/// lie close together. Nothing without ratios.
std::optional<double> own_ratio(std::vector<double> ratios);
/// Whether a probe's ratio says that the core is shared.
constexpr bool core_is_shared(double ratio, double own_ratio) { return ratio > own_ratio * 1.04; }

}  // namespace sluice::native
