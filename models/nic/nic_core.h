// SPDX-License-Identifier: Apache-2.0
// What the two queues of the controller share: configuration, the way to memory, errors, statistics.
#pragma once

#include <cstdint>

#include "models/base/ledger.h"
#include "models/fabric/dma.h"
#include "models/nic/nic_config.h"
#include "models/nic/wire.h"

namespace sluice::nic {

struct NicStatistics {
  std::uint64_t tx_packets = 0;      ///< handed to the wire
  std::uint64_t tx_descriptors = 0;  ///< counted as done
  std::uint64_t tx_interrupts = 0;
  std::uint64_t head_writebacks = 0;
  std::uint64_t rx_frames = 0;  ///< written to memory
  std::uint64_t rx_interrupts = 0;
  std::uint64_t rx_dropped = 0;           ///< no buffer, no room in the FIFO, or the device was disabled
  std::uint64_t descriptors_fetched = 0;  ///< both rings
  std::uint64_t descriptor_errors = 0;    ///< packets or buffers that break the rules of the data sheet
  std::uint64_t dma_errors = 0;
  std::uint64_t register_errors = 0;  ///< refused values
};

struct NicCore {
  NicCore(const NicConfig& nic_config, fabric::DmaPort& dma_port, base::Ledger& machine_ledger)
      : config(nic_config), dma(dma_port), ledger(machine_ledger), mtu(nic_config.mtu) {}

  const NicConfig& config;
  fabric::DmaPort& dma;
  base::Ledger& ledger;
  Wire* wire = nullptr;
  bool enabled = false;
  Bytes mtu;                 ///< as software set it
  std::uint32_t errors = 0;  ///< since reset
  NicStatistics statistics;

  [[nodiscard]] static Picoseconds now() { return fabric::now(); }
  /// For the queues' processes: returns at once when the instant has passed.
  static void wait_until(Picoseconds at) {
    if (at > now()) sc_core::wait(fabric::to_sc_time(at - now()));
  }
  void count_error(std::uint64_t& kind) {
    ++kind;
    ++errors;
  }
};

}  // namespace sluice::nic
