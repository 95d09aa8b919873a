// SPDX-License-Identifier: Apache-2.0
// Parameters of the root complex: what lies between the PCI Express links, memory and the cores.
#pragma once

#include "models/base/parameters.h"
#include "models/base/time.h"

namespace sluice::interconnect {

struct RootComplexConfig {
  Picoseconds routing_latency = 60_ns;          ///< one way, between a link and memory, interrupts or a core
  Picoseconds register_write_latency = 125_ns;  ///< how long a core is held by a posted register write
  Picoseconds register_read_latency = 250_ns;   ///< what a register read takes beyond the link and routing

  void describe(base::ParameterTable& table);
};

}  // namespace sluice::interconnect
