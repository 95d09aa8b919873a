// SPDX-License-Identifier: Apache-2.0
// Times primitives on the host: each in a pinned process of its own, in several rounds, so that a disturbance of some
// seconds does not fall on one primitive alone. Times are those of a core that is not shared: on a hyper-threaded host
// a batch takes up to half as much again while the core's other thread works. A probe of the core's throughput tells
// such batches; they are divided by how much longer they take.
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
  unsigned rounds = 8;
  std::chrono::milliseconds time{4};  ///< of one primitive in one round, without its set-up
  /// Before each primitive, rounds from 1. What it throws ends the bench, with no process left.
  std::function<void(unsigned round, const std::string& name)> progress;
};

/// One measurement for each primitive, in their order. A primitive that fails has a `failure`.
std::vector<Measurement> measure_on_host(const std::vector<Primitive>& list, const CachedFile& file,
                                         const BenchOptions& options);

/// The samples of one primitive, by round.
using Rounds = std::vector<std::vector<Sample>>;
/// By how much a shared core is slower: the median over the primitives of the time of batches on a shared core over
/// that on one of our own. 1 when there are not both. `best` is an undisturbed probe.
double sharing_ratio(const std::vector<Rounds>& primitives, double best);
/// As on a core that is not shared. A primitive with batches of both kinds has its own ratio; the others take `ratio`.
Measurement conclude(const Rounds& rounds, double best, double ratio);

/// The first core that this process may use.
int first_allowed_cpu();

}  // namespace sluice::calibration
