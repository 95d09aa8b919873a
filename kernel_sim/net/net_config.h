// SPDX-License-Identifier: Apache-2.0
// Limits, version-dependent behaviour and costs of the network stack and of the NIC driver.
#pragma once

#include "models/base/parameters.h"

namespace sluice::net {

struct NetConfig {
  // --- features and limits of TCP ---------------------------------------------------------------------------------
  bool gso = true;
  Bytes gso_max_size = 65536;
  unsigned splice_batch = 16;
  unsigned max_fragments = 17;
  bool grow_packets = true;
  Bytes wmem_default = 16_KiB;
  Bytes wmem_max = 4_MiB;
  Bytes rmem_default = 128_KiB;
  Bytes rmem_max = 6_MiB;
  Bytes sndbuf_max = 212'992;
  Bytes rcvbuf_max = 212'992;
  bool autocork = true;
  Bytes limit_output = 1_MiB;
  unsigned initial_window = 10;
  unsigned quick_acks = 16;
  Picoseconds delayed_ack = 40_ms;
  Picoseconds rto_min = 200_ms;
  Picoseconds rto_initial = Picoseconds{kPicosecondsPerSecond};
  unsigned syn_retries = 6;
  unsigned retries = 15;
  Bytes skb_overhead = 832;

  // --- costs of TCP and of the stack ------------------------------------------------------------------------------
  CpuCost socket_create = CpuCost::time(1'500_ns);
  CpuCost send_call = CpuCost::time(180_ns);
  CpuCost splice_call = CpuCost::time(100_ns);
  CpuCost push = CpuCost::time(50_ns);
  CpuCost copy_fragment = CpuCost::time(30_ns);
  CpuCost splice_fragment = CpuCost::time(22_ns);
  CpuCost receive_call = CpuCost::time(150_ns);
  CpuCost skb_allocate = CpuCost::time(24_ns);
  CpuCost skb_free = CpuCost::time(18_ns);
  CpuCost fragment_free = CpuCost::time(5_ns);
  CpuCost tcp_transmit = CpuCost::time(500_ns);
  CpuCost acknowledge = CpuCost::time(400_ns);
  CpuCost queue_transmit = CpuCost::time(200_ns);
  CpuCost software_segment = CpuCost::time(150_ns);
  CpuCost tcp_receive = CpuCost::time(250_ns);
  CpuCost tcp_acknowledged = CpuCost::time(250_ns);
  CpuCost timer = CpuCost::time(100_ns);

  // --- the loopback device
  unsigned backlog_max = 1000;
  CpuCost loopback_transmit = CpuCost::time(150_ns);
  CpuCost loopback_receive = CpuCost::time(150_ns);
  CpuCost backlog_poll = CpuCost::time(100_ns);

  // --- the NIC driver ---------------------------------------------------------------------------------------------
  unsigned tx_ring = 1024;
  unsigned rx_ring = 1024;
  unsigned napi_weight = 64;
  unsigned napi_budget = 300;
  Picoseconds napi_time = 2_ms;
  CpuCost tx_packet = CpuCost::time(100_ns);
  CpuCost tx_descriptor = CpuCost::time(12_ns);
  CpuCost tx_complete = CpuCost::time(40_ns);
  CpuCost napi_poll = CpuCost::time(100_ns);
  CpuCost rx_packet = CpuCost::time(119_ns);

  void describe(base::ParameterTable& table);
  /// Payload that a packet of gso_max_size holds beside the largest headers (sk_setup_caps).
  [[nodiscard]] Bytes largest_packet_payload() const { return gso_max_size - (kMaxTcpHeader + 1); }
  static constexpr Bytes kMaxTcpHeader = 320;  ///< MAX_TCP_HEADER
};

/// The costs at a clock frequency, worked out once: they are charged per packet.
struct NetCosts {
  NetCosts(const NetConfig& config, Frequency frequency);
  Picoseconds socket_create, send_call, splice_call, push, copy_fragment, splice_fragment, receive_call;
  Picoseconds skb_allocate, skb_free, fragment_free, tcp_transmit, acknowledge, queue_transmit, software_segment;
  Picoseconds tcp_receive, tcp_acknowledged, timer;
  Picoseconds loopback_transmit, loopback_receive, backlog_poll;
  Picoseconds tx_packet, tx_descriptor, tx_complete, napi_poll, rx_packet;
};

}  // namespace sluice::net
