// SPDX-License-Identifier: Apache-2.0
// Parameters of the root complex: what lies between the PCI Express links, memory and the cores.
#pragma once

#include "models/base/parameters.h"
#include "models/base/time.h"

namespace sluice::interconnect {

struct RootComplexConfig : base::Parameters {
  static constexpr base::Range<Picoseconds> kRange{0_ps, 100_us};

  Picoseconds routing_latency = parameter(routing_latency, "routing_latency", 60_ns, kRange,
                                          "one way, between a link and memory, interrupts or a core",
                                          "estimate (64 B read round trip of 500 to 600 ns, pcie-bench, recalled)");
  Picoseconds register_write_latency = parameter(register_write_latency, "register_write_latency", 125_ns, kRange,
                                                 "how long a posted register write holds the core",
                                                 "SPDK: two per I/O cap a core below 4 M I/O per second");
  Picoseconds register_read_latency =
      parameter(register_read_latency, "register_read_latency", 250_ns, kRange,
                "what a register read takes in core and device, beyond the link and routing", "estimate");
};

}  // namespace sluice::interconnect
