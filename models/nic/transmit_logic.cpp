// SPDX-License-Identifier: Apache-2.0
#include "models/nic/transmit_logic.h"

#include <algorithm>

namespace sluice::nic {

GatherList GatherList::of(std::span<const TxDescriptor> descriptors) {
  GatherList packet;
  packet.m_fragments.reserve(descriptors.size());
  packet.m_descriptors = static_cast<unsigned>(descriptors.size());
  packet.m_flags = descriptors.front().flags;
  packet.m_ends = (descriptors.back().flags & kTxEndOfPacket) != 0;
  packet.m_header_size = descriptors.front().header_size;
  packet.m_mss = descriptors.front().mss;
  for (const TxDescriptor& descriptor : descriptors) {
    packet.m_size += descriptor.size;
    if (descriptor.size == 0) packet.m_empty_fragment = true;
    auto& fragments = packet.m_fragments;
    if (!fragments.empty() && fragments.back().address + fragments.back().size == BusAddr{descriptor.address}) {
      fragments.back().size += descriptor.size;
    } else {
      fragments.push_back({BusAddr{descriptor.address}, descriptor.size});
    }
  }
  return packet;
}

DescriptorError GatherList::check(const TransmitFeatures& features) const {
  if (!m_ends) return DescriptorError::NoEndOfPacket;
  if (m_descriptors > 1 && !features.gather) return DescriptorError::NoGather;
  if (m_descriptors > kMaxFragments) return DescriptorError::TooManyFragments;
  if (m_empty_fragment) return DescriptorError::EmptyFragment;
  if (m_header_size != kAllHeaders || m_size < kAllHeaders) return DescriptorError::BadHeaderSize;
  if ((m_flags & kTxInsertChecksum) != 0 && !features.checksum) return DescriptorError::NoChecksum;
  if (!segmented()) {
    return m_size > features.mtu + kEthernetHeader ? DescriptorError::TooLarge : DescriptorError::None;
  }
  if (!features.segmentation || !features.checksum) return DescriptorError::NoSegmentation;
  if (m_mss == 0 || m_mss > segment_size(features.mtu)) return DescriptorError::BadSegmentSize;
  return m_size > kMaxSegmentedPacket ? DescriptorError::TooLarge : DescriptorError::None;
}

Portion next_portion(const GatherList& packet, Bytes payload_begin, Bytes most) {
  const Bytes left = packet.payload_size() - payload_begin;
  if (left <= most || left <= packet.frame_payload()) return {payload_begin, left, true};
  const Bytes frames = std::max<Bytes>(most / packet.frame_payload(), 1);
  return {payload_begin, frames * packet.frame_payload(), false};
}

Burst frames_of(const PacketHeader& packet_header, const GatherList& packet, const Portion& portion) {
  constexpr std::uint8_t kOnlyOnTheLast = tcp_flag::kPush | tcp_flag::kFin;
  Burst burst;
  burst.header = packet_header;
  burst.header.sequence += static_cast<std::uint32_t>(portion.payload_begin);
  burst.header.flags = static_cast<std::uint8_t>(packet_header.flags & ~kOnlyOnTheLast);
  if (portion.last) burst.last_flags = packet_header.flags & kOnlyOnTheLast;
  burst.frame_payload = std::min(packet.frame_payload(), portion.payload_size);
  burst.frames =
      burst.frame_payload == 0 ? 1 : static_cast<unsigned>(base::divide_up(portion.payload_size, burst.frame_payload));
  burst.checksum_inserted = packet.inserts_checksum();
  return burst;
}

}  // namespace sluice::nic
