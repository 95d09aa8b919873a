// SPDX-License-Identifier: Apache-2.0
#include "models/interconnect/root_complex_config.h"

namespace sluice::interconnect {

void RootComplexConfig::describe(base::ParameterTable& table) {
  const base::Range<Picoseconds> range{Picoseconds{}, 100_us};
  table.add("routing_latency", routing_latency, range, "one way, between a link and memory, interrupts or a core",
            "estimate (64 B read round trip of 500 to 600 ns, pcie-bench, recalled)");
  table.add("register_write_latency", register_write_latency, range, "how long a posted register write holds the core",
            "SPDK: two per I/O cap a core below 4 M I/O per second");
  table.add("register_read_latency", register_read_latency, range,
            "what a register read takes in core and device, beyond the link and routing", "estimate");
}

}  // namespace sluice::interconnect
