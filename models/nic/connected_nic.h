// SPDX-License-Identifier: Apache-2.0
// A network controller with the cable in its port and the station at the far end: what a machine has of kind "nic".
#pragma once

#include <string>

#include "models/fabric/device.h"
#include "models/nic/nic.h"
#include "models/nic/peer.h"
#include "models/nic/wire.h"

namespace sluice::nic {

class ConnectedNic : public fabric::Device {
 public:
  ConnectedNic(const std::string& name, const ConnectedNicConfig& config, base::Ledger& ledger)
      : nic(name.c_str(), config.nic, ledger),
        wire(config.nic, config.wire, ledger),
        peer((name + "_peer").c_str(), config.peer, wire, ledger) {
    nic.connect(wire);
  }

  fabric::RegisterBank& register_bank() override { return nic.registers; }
  fabric::DmaPort& dma_port() override { return nic.dma; }
  [[nodiscard]] std::uint64_t descriptors() const override { return nic.statistics().descriptors_fetched; }
  [[nodiscard]] Picoseconds far_end_busy(Picoseconds now) const override { return wire.busy(Direction::ToPeer, now); }

  Nic nic;
  Wire wire;
  Peer peer;
};

}  // namespace sluice::nic
