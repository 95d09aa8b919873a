// SPDX-License-Identifier: Apache-2.0
// A packet of the stack (struct sk_buff): a piece of a TCP stream with its headers. The record is a host object; header
// bytes and payload lie in simulated memory.
//
//   paged:   [ head slot: headers ]    fragments: [page][page] ... up to 17, each holding one reference
//   linear:  [ data slot:  headers | payload ]    one piece, for interfaces that cannot gather
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "kernel_sim/mm/frame_allocator.h"
#include "models/nic/packet_format.h"

namespace sluice::net {

class TcpConnection;

struct Skb {
  static constexpr unsigned kMaxFragments = 17;  ///< MAX_SKB_FRAGS: 64 KiB at any alignment, in 4 KiB pages

  nic::PacketHeader header;    ///< as it stands in memory (transmit) or came in (receive)
  PhysAddr header_address;     ///< of the kAllHeaders header bytes
  std::uint64_t sequence = 0;  ///< of the first byte, counted without wrapping
  std::uint32_t size = 0;      ///< payload bytes
  std::uint32_t truesize = 0;  ///< memory it is accounted for
  std::uint32_t references = 0;
  std::uint16_t frames = 1;   ///< frames on the wire it stands for
  std::uint16_t segment = 0;  ///< payload bytes per frame when the interface is to cut it (TSO), else 0
  bool checksum_by_device = false;
  std::uint8_t fragment_count = 0;
  std::array<mm::Fragment, kMaxFragments> fragments;
};

class SkbPool {};

}  // namespace sluice::net
