// SPDX-License-Identifier: Apache-2.0
// Parameters of the interrupt controller.
#pragma once

#include "models/base/parameters.h"
#include "models/base/time.h"

namespace sluice::irq {

struct InterruptConfig : base::Parameters {
  Picoseconds delivery_latency =
      parameter(delivery_latency, "delivery_latency", 100_ns, {0_ps, 100_us},
                "from the arrival of a message at the controller to the core seeing it", "estimate");
};

}  // namespace sluice::irq
