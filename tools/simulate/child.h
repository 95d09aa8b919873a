// SPDX-License-Identifier: Apache-2.0
// A run in a process of its own: SystemC elaborates once per process, and a crash must not take the others along.
#pragma once

#include <chrono>
#include <functional>
#include <stdexcept>

#include "tools/simulate/simulate.h"

namespace sluice::tool {

/// Ctrl-C, a request to terminate, or a terminal that was closed.
class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("interrupted") {}
};

/// From now on SIGINT, SIGTERM and SIGHUP end the wait for a child with Interrupted.
void catch_interrupts();
/// Throws Interrupted when one of them came.
void stop_if_interrupted();

struct ChildLimits {
  std::chrono::seconds timeout{600};
  std::function<void(std::chrono::seconds elapsed)> tick;  ///< about once a second of waiting
};

/// Calls `work` in a child and returns its result. A crash, a time-out or an exception in the child gives a result with
/// only "failures". An InputError in the child is thrown here. Interrupted: the child is dead when this throws.
RunResult run_in_child(const std::function<RunResult()>& work, const ChildLimits& limits);

}  // namespace sluice::tool
