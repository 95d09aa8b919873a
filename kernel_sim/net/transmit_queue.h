// SPDX-License-Identifier: Apache-2.0
// Between TCP and the interface: a first-come-first-served queue, and what Linux does to a packet whose interface
// cannot take it as it is (validate_xmit_skb): cut it into segments, make it linear, work out its checksum. Copies and
// checksums are made by the core, so the ledger counts them.
#pragma once

#include "kernel_sim/hal/machine.h"
#include "kernel_sim/net/net_config.h"
#include "kernel_sim/net/net_device.h"
#include "kernel_sim/net/skb.h"

namespace sluice::net {

struct TransmitStatistics {
  std::uint64_t packets = 0;        ///< handed to the interface
  std::uint64_t frames = 0;         ///< of those, after segmentation by whomever
  std::uint64_t segments_cut = 0;   ///< by software segmentation
  std::uint64_t stops = 0;          ///< the queue found the interface stopped
  std::uint64_t out_of_memory = 0;  ///< packets dropped
};

class TransmitQueue {
 public:
  TransmitQueue(hal::Machine& machine, const NetConfig& config, SkbPool& skbs, NetDevice& device)
      : m_machine(machine), m_config(config), m_skbs(skbs), m_device(device) {}

  /// Takes over one reference, and sends what it can unless somebody else is at it (an interrupt came in between).
  void add(Skb& skb);
  void run();
  [[nodiscard]] const TransmitStatistics& statistics() const { return m_statistics; }

 private:
  Skb* next_ready();
  [[nodiscard]] bool must_be_cut(const Skb& skb) const;
  void cut(Skb& skb);
  Skb* make_segment(const Skb& from, Bytes begin, Bytes size);
  void fill_in_checksum(Skb& skb);

  hal::Machine& m_machine;
  const NetConfig& m_config;
  SkbPool& m_skbs;
  NetDevice& m_device;
  TransmitSkbQueue m_waiting;
  TransmitSkbQueue m_ready;
  bool m_running = false;
  TransmitStatistics m_statistics;
};

/// One's-complement sum of bytes [begin, begin + size) of the payload, read by the core; `sum` is added.
std::uint32_t payload_sum(hal::Cpu& cpu, const Skb& skb, Bytes begin, Bytes size, std::uint32_t sum);

}  // namespace sluice::net
