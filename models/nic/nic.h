// SPDX-License-Identifier: Apache-2.0
// The network controller. Data sheet: nic_registers.h. Behaviour: transmit_queue, receive_queue and the *_logic files.
#pragma once

#include <systemc>

#include "models/base/ledger.h"
#include "models/fabric/dma.h"
#include "models/fabric/register_bank.h"
#include "models/nic/nic_config.h"
#include "models/nic/nic_core.h"
#include "models/nic/receive_queue.h"
#include "models/nic/transmit_queue.h"
#include "models/nic/wire.h"

namespace sluice::nic {

class Nic : public sc_core::sc_module, private WireEnd {
 public:
  Nic(sc_core::sc_module_name name, const NicConfig& config, base::Ledger& ledger);
  /// Plugs the cable in; before the simulation starts. The wire must outlive the simulation.
  void connect(Wire& wire);

  fabric::RegisterBank registers;
  fabric::DmaPort dma;

  [[nodiscard]] const NicStatistics& statistics() const { return m_core.statistics; }

 private:
  void receive(Burst burst) override { m_receive.receive(std::move(burst)); }
  [[nodiscard]] Picoseconds needs(const Burst& /*burst*/) const override { return {}; }  // it waits by itself

  void add_control_registers();
  void add_transmit_registers();
  void add_receive_registers();
  void add_interrupt_registers();
  void write_control(std::uint64_t value);
  void write_mtu(std::uint64_t value);
  void reset();
  [[nodiscard]] std::uint32_t capabilities() const;

  NicConfig m_config;
  NicCore m_core;
  TransmitQueue m_transmit;
  ReceiveQueue m_receive;
};

}  // namespace sluice::nic
