// SPDX-License-Identifier: Apache-2.0
// Where interrupts end: a core, as the interrupt controller sees it.
#pragma once

#include "models/base/time.h"

namespace sluice::fabric {

/// - Called by the interrupt controller's process at the instant `at` (equal to the SystemC time); must not wait.
/// - Called once per pending vector. The vector stays pending, and further messages of it merge into it, until the core
///   takes the interrupt and says so with InterruptController::acknowledge(vector); it may do so within the call.
class InterruptSink {
 public:
  virtual ~InterruptSink() = default;
  virtual void interrupt(unsigned vector, Picoseconds at) = 0;
};

}  // namespace sluice::fabric
