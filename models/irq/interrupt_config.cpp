// SPDX-License-Identifier: Apache-2.0
#include "models/irq/interrupt_config.h"

namespace sluice::irq {

void InterruptConfig::describe(base::ParameterTable& table) {
  table.add("delivery_latency", delivery_latency, {Picoseconds{}, 100_us},
            "from the arrival of a message at the controller to the core seeing it", "estimate");
}

}  // namespace sluice::irq
