// SPDX-License-Identifier: Apache-2.0
// Parameters of the interrupt controller.
#pragma once

#include "models/base/parameters.h"
#include "models/base/time.h"

namespace sluice::irq {

struct InterruptConfig {
  Picoseconds delivery_latency = 100_ns;  ///< from the arrival of a message to the core seeing it

  void describe(base::ParameterTable& table);
};

}  // namespace sluice::irq
