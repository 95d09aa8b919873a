// SPDX-License-Identifier: Apache-2.0
// Repetitions of a native run on one clock and on a core of one's own, as probes of the core tell (core_probe.h).
#pragma once

#include <cstddef>
#include <vector>

#include "tools/native/core_probe.h"
#include "tools/scenario/configuration.h"

namespace sluice::crosscheck {

/// The core that times are worked out for.
struct ReferenceCore {
  double own_ratio = 0;  ///< of a core of one's own; 0: not known
  double clock = 0;      ///< hertz; 0: there is no calibration, and times stay as they are
  double longer = 1;     ///< times as long on a shared core, where a run's repetitions do not tell
};
/// That of a calibrated platform; nothing is known of another.
ReferenceCore reference_core(const scenario::Configuration& configuration);

using Probes = std::vector<native::CoreProbe>;

/// Share of the probes that say that something else had a part of the core.
double shared_share(const Probes& probes, double own_ratio);
/// Whether a repetition had the core nearly all to itself.
bool undisturbed(const Probes& probes, double own_ratio);

/// One repetition.
struct Observed {
  Probes probes;
  double cpu_ns = 0;
};
/// What becomes of it.
struct Settled {
  double shorter_by = 1;  ///< its CPU times are divided by this
  bool set_aside = false;
};

/// How the repetitions of one run become those of the reference core. Those on a shared core are set aside when at
/// least `enough` are undisturbed. Else the share of each that was on a shared core counts less by what sharing costs
/// this run, as its repetitions tell when they differ in their shares.
std::vector<Settled> settle(const std::vector<Observed>& repetitions, const ReferenceCore& core, std::size_t enough);

/// As long as fewer than this were undisturbed a run is repeated, up to kMoreRepetitions times as often again.
constexpr std::size_t enough_of(unsigned wanted) { return (wanted + 1) / 2; }
inline constexpr unsigned kMoreRepetitions = 3;

}  // namespace sluice::crosscheck
