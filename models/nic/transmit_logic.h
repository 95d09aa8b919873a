// SPDX-License-Identifier: Apache-2.0
// From descriptors to frames: rules for a packet's descriptors, gathering, segmentation. No SystemC.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "models/base/types.h"
#include "models/nic/burst.h"
#include "models/nic/nic_registers.h"

namespace sluice::nic {

/// Most descriptors a packet may have. Linux needs 18 with 4 KiB pages (header and 17 fragments).
inline constexpr unsigned kMaxFragments = 256;
/// Largest packet that segmentation takes: an IPv4 packet and its Ethernet header.
inline constexpr Bytes kMaxSegmentedPacket = 65535 + kEthernetHeader;

/// What a packet may ask of the device.
struct TransmitFeatures {
  bool gather = true;
  bool checksum = true;
  bool segmentation = true;
  Bytes mtu = 1500;
};

enum class DescriptorError : std::uint8_t {
  None,
  NoGather,          ///< several descriptors, and the device cannot gather: a packet is exactly one descriptor then
  NoEndOfPacket,     ///< the ring is full and holds no end of the packet
  TooManyFragments,  ///< more than kMaxFragments
  EmptyFragment,
  BadHeaderSize,   ///< not kAllHeaders, or more than the packet has
  NoChecksum,      ///< asks for a checksum the device cannot insert
  NoSegmentation,  ///< asks for segmentation the device cannot do
  BadSegmentSize,  ///< 0, or a frame would pass the MTU
  TooLarge,        ///< the packet, or the frame without segmentation, passes the limit
};

/// A packet as its descriptors describe it.
class GatherList {
 public:
  /// Takes the descriptors of one packet, in order.
  static GatherList of(std::span<const TxDescriptor> descriptors);
  [[nodiscard]] DescriptorError check(const TransmitFeatures& features) const;

  [[nodiscard]] Bytes size() const { return m_size; }
  [[nodiscard]] Bytes payload_size() const { return m_size - kAllHeaders; }
  [[nodiscard]] bool segmented() const { return (m_flags & kTxSegment) != 0; }
  /// Segmentation makes new headers, so the device completes their checksums too.
  [[nodiscard]] bool inserts_checksum() const { return (m_flags & (kTxSegment | kTxInsertChecksum)) != 0; }
  /// Payload bytes of every frame but the last.
  [[nodiscard]] Bytes frame_payload() const { return segmented() ? m_mss : payload_size(); }

  /// Calls `visit(address, size)` for the pieces of bytes [begin, begin + size) of the packet, in order. Fragments that
  /// continue each other in memory are one piece.
  template <class Visit>
  void for_each_piece(Bytes begin, Bytes size, Visit&& visit) const {
    for (const Fragment& fragment : m_fragments) {
      if (size == 0) return;
      if (begin >= fragment.size) {
        begin -= fragment.size;
        continue;
      }
      const Bytes piece = std::min(size, fragment.size - begin);
      visit(fragment.address + begin, piece);
      size -= piece;
      begin = 0;
    }
  }

 private:
  struct Fragment {
    BusAddr address;
    Bytes size;
  };
  std::vector<Fragment> m_fragments;
  Bytes m_size = 0;
  unsigned m_descriptors = 0;
  std::uint8_t m_flags = 0;
  Bytes m_header_size = 0;
  Bytes m_mss = 0;
  bool m_ends = false;
  bool m_empty_fragment = false;
};

/// A part of a packet: whole frames that enter the FIFO together.
struct Portion {
  Bytes payload_begin = 0;
  Bytes payload_size = 0;
  bool last = true;
};
/// The portion that starts at `payload_begin`, at most `most` bytes of payload but at least one frame.
Portion next_portion(const GatherList& packet, Bytes payload_begin, Bytes most);

/// Headers of the frames of a portion from the packet's header: PSH and FIN only on the packet's last frame. The
/// burst's storage, shadow and payload_at are left to the caller.
Burst frames_of(const PacketHeader& packet_header, const GatherList& packet, const Portion& portion);

}  // namespace sluice::nic
