// SPDX-License-Identifier: Apache-2.0
// Runs in processes of their own: SystemC elaborates once per process, and a crash must not take the others along.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

#include "tools/results/json.h"
#include "tools/simulate/interrupts.h"

namespace sluice::simulate {

using results::Json;

struct ChildLimits {
  std::chrono::seconds timeout{600};  ///< of each child
  /// About once a second of waiting: which work has run for the longest time, and for how long.
  std::function<void(std::size_t index, std::chrono::seconds elapsed)> tick;
};

using Work = std::function<Json()>;

struct Outcome {
  Json result;
  std::chrono::duration<double> took{};  ///< from the fork until the child was gone
};

/// Calls each work in a child, at most `at_once` of them at a time, and returns what came of them in the order of
/// `works`.
/// - A crash, a time-out or an exception in a child gives a result with only "failures".
/// - An InputError in a child is thrown here, and so is what this host refused it (files, processes): that of the first
///   of `works` that had one. No work after it is started, and those that run are ended.
/// - Interrupted: all children are dead when this throws.
std::vector<Outcome> run_in_children(const std::vector<Work>& works, unsigned at_once, const ChildLimits& limits);

/// The same for one.
Json run_in_child(const Work& work, const ChildLimits& limits);

}  // namespace sluice::simulate
