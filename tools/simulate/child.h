// SPDX-License-Identifier: Apache-2.0
// A run in a process of its own: SystemC elaborates once per process, and a crash must not take the others along.
#pragma once

#include <chrono>
#include <functional>

#include "tools/results/json.h"
#include "tools/simulate/interrupts.h"

namespace sluice::tool {

using results::Json;

struct ChildLimits {
  std::chrono::seconds timeout{600};
  std::function<void(std::chrono::seconds elapsed)> tick;  ///< about once a second of waiting
};

/// Calls `work` in a child and returns its result. A crash, a time-out or an exception in the child gives a result with
/// only "failures". An InputError in the child is thrown here, and so is what this host refused it (files, processes).
/// Interrupted: the child is dead when this throws.
Json run_in_child(const std::function<Json()>& work, const ChildLimits& limits);

}  // namespace sluice::tool
