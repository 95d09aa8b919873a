// SPDX-License-Identifier: Apache-2.0
// Ethernet, IPv4 and TCP headers on the wire (RFC 894, 791, 9293, 7323). No SystemC.
//
//   | Ethernet 14 | IPv4 20 | TCP 20 + 12 timestamps option | payload |     all header fields big-endian
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "models/base/types.h"

namespace sluice::nic {

inline constexpr Bytes kEthernetHeader = 14;
inline constexpr Bytes kIpHeader = 20;
inline constexpr Bytes kTcpHeader = 32;  ///< 20 and the padded timestamps option (RFC 7323)
inline constexpr Bytes kAllHeaders = kEthernetHeader + kIpHeader + kTcpHeader;
/// What a frame costs on the wire beside its header and payload: preamble and SFD 8, FCS 4, inter-frame gap 12
/// (IEEE 802.3).
inline constexpr Bytes kFrameOverhead = 24;
inline constexpr Bytes kMinimumFrame = 60;  ///< without FCS; shorter frames are padded

/// Bytes of TCP payload per full frame of an interface.
constexpr Bytes segment_size(Bytes mtu) { return mtu - kIpHeader - kTcpHeader; }

namespace tcp_flag {
inline constexpr std::uint8_t kFin = 1U << 0;
inline constexpr std::uint8_t kSyn = 1U << 1;
inline constexpr std::uint8_t kReset = 1U << 2;
inline constexpr std::uint8_t kPush = 1U << 3;
inline constexpr std::uint8_t kAck = 1U << 4;
}  // namespace tcp_flag

/// The header fields that matter here, in host byte order.
struct PacketHeader {
  std::uint32_t source_address = 0;
  std::uint32_t destination_address = 0;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgment = 0;
  std::uint32_t window = 0;  ///< bytes; carried in units of 2^kWindowScale, rounded down
  std::uint8_t flags = 0;
  std::uint32_t timestamp = 0;       ///< TSval
  std::uint32_t timestamp_echo = 0;  ///< TSecr
  std::uint16_t payload_size = 0;    ///< of this frame; derived from the IP total length
  std::uint16_t checksum = 0;        ///< TCP checksum as it stands in the header
};

/// Window scale both ends use (RFC 7323): windows to 64 MiB.
inline constexpr unsigned kWindowScale = 10;

using HeaderBytes = std::array<std::byte, kAllHeaders>;
/// Writes all headers, with the IP checksum right and the TCP checksum as given.
HeaderBytes encode(const PacketHeader& header);
/// Reads them back. False when the bytes are no IPv4 TCP header of this form or the IP checksum is wrong.
bool decode(std::span<const std::byte> frame, PacketHeader& header);

/// One's-complement sum of 16-bit big-endian words (RFC 1071), unfolded; an odd tail is padded with zero.
std::uint32_t checksum_add(std::span<const std::byte> bytes, std::uint32_t sum);
std::uint16_t checksum_fold(std::uint32_t sum);
/// Sum over the TCP pseudo header and the TCP header of `header` with its checksum field as zero; add the payload's
/// sum, fold and complement to get the TCP checksum.
std::uint32_t tcp_header_sum(const PacketHeader& header);

}  // namespace sluice::nic
