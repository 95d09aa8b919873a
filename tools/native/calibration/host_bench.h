// SPDX-License-Identifier: Apache-2.0
// Times primitives on the host: each in a pinned process of its own, in several rounds, so that a disturbance of some
// seconds does not fall on one primitive alone. Batches during which the core was shared (a probe of its throughput
// says so) are left out: on a hyper-threaded host they cost half as much again, and no kernel is to blame.
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
  double value = 0;            ///< nanoseconds per operation: the median over all batches that count
  std::vector<double> rounds;  ///< the same for each round; 0 for a disturbed one
  double shared = 0;           ///< the share of batches that were left out
  std::string failure;         ///< why there is no value; empty when there is one
  [[nodiscard]] bool usable() const { return failure.empty(); }
};

struct BenchOptions {
  int cpu = 0;
  unsigned rounds = 6;                ///< in which the core was not shared
  unsigned most_rounds = 30;          ///< with those in which it was
  std::chrono::milliseconds time{3};  ///< of one primitive in one round, without its set-up
  /// After so long no round is begun that only makes up for disturbed ones.
  std::chrono::milliseconds limit{25'000};
  /// How long may be waited, in all, for a core that is shared to be so no more.
  std::chrono::milliseconds patience{10'000};
  /// Before each primitive, rounds from 1. What it throws ends the bench, with no process left.
  std::function<void(unsigned round, const std::string& name)> progress;
};

/// One measurement for each primitive, in their order. A primitive that fails has a `failure`.
std::vector<Measurement> measure_on_host(const std::vector<Primitive>& list, const CachedFile& file,
                                         const BenchOptions& options);

/// Which of the samples count: those whose probe is within 10 % of an undisturbed one, `best`. None, when these are
/// less than a quarter.
std::vector<double> undisturbed(const std::vector<Sample>& samples, double best);

/// The first core that this process may use.
int first_allowed_cpu();

}  // namespace sluice::calibration
