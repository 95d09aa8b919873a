// SPDX-License-Identifier: Apache-2.0
// Times primitives on the host: each in a pinned process of its own, in several rounds, so that a disturbance of some
// seconds does not fall on one primitive alone. Chance must not decide which primitive meets a slower clock, or the
// work of the core's other thread: probes tell (core_probe.h), and all times are worked out for one clock and a core of
// one's own.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "tools/native/calibration/cached_file.h"
#include "tools/native/calibration/primitive.h"

namespace sluice::calibration {

/// One timed quantity.
struct Measurement {
  std::string name;            ///< of the primitive
  double value = 0;            ///< nanoseconds per operation: the lower quartile over all batches
  std::vector<double> rounds;  ///< the same for each round; 0 where there is none
  std::string failure;         ///< why there is no value; empty when there is one
  [[nodiscard]] bool usable() const { return failure.empty() && value > 0; }
};

struct BenchOptions {
  int cpu = 0;
  int other_cpu = -1;  ///< for what needs a second one; -1: there is none
  unsigned rounds = 16;
  std::chrono::milliseconds time{4};  ///< of one primitive in one round, without its set-up
  /// Before each primitive, rounds from 1. What it throws ends the bench, with no process left.
  std::function<void(unsigned round, const std::string& name)> progress;
};

/// The core that times are worked out for.
struct Core {
  double chain_ns = 0;   ///< CoreProbe::chain_ns at the clock that it had most of the time
  double own_ratio = 0;  ///< CoreProbe::ratio when it is all ours
};

/// What else worked on the core during a bench.
struct Sharing {
  double share = 0;  ///< of the batches that were on a shared core
  double ratio = 1;  ///< the time of a batch on a shared core over that on one of our own, the median over primitives
};

struct BenchResult {
  std::vector<Measurement> measurements;  ///< one for each primitive, in their order
  Sharing sharing;
  Core core;
};
/// A primitive that fails has a `failure`.
BenchResult measure_on_host(const std::vector<Primitive>& list, const CachedFile& file, const BenchOptions& options);

/// The samples of one primitive, by round.
using Rounds = std::vector<std::vector<Sample>>;
/// As most batches say. Nothing on a machine without probes.
Core find_core(const std::vector<Rounds>& primitives);
/// The ratio is 1 when no primitive has enough batches of both kinds.
Sharing find_sharing(const std::vector<Rounds>& primitives, const Core& core);
/// A primitive with enough batches of both kinds has a ratio of its own; the others take the common one.
Measurement conclude(const Rounds& rounds, const Core& core, const Sharing& sharing);

}  // namespace sluice::calibration
