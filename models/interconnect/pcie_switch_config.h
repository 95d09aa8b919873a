// SPDX-License-Identifier: Apache-2.0
// Parameters of a PCI Express switch. The link between it and the root complex is a parameter of the platform.
#pragma once

#include "models/base/parameters.h"
#include "models/base/time.h"

namespace sluice::interconnect {

struct PcieSwitchConfig : base::Parameters {
  Picoseconds forwarding_latency = parameter(forwarding_latency, "forwarding_latency", 150_ns, {0_ps, 100_us},
                                             "one way, from the first byte at one port to the first byte at another",
                                             "estimate: data sheets of PCIe switches give 100 to 170 ns");
  bool peer_to_peer =
      parameter(peer_to_peer, "peer_to_peer", false,
                "a device may reach another behind the same switch; without it the switch refuses such a transfer",
                "choice: access control services keep devices apart where an IOMMU is in use");
};

}  // namespace sluice::interconnect
