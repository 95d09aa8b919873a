// SPDX-License-Identifier: Apache-2.0
#include "models/nic/packet_format.h"

#include <algorithm>

#include "models/base/internet_checksum.h"
#include "models/base/result.h"

namespace sluice::nic {
namespace {

constexpr std::uint16_t kEtherTypeIpv4 = 0x0800;
constexpr std::uint8_t kVersionAndHeaderWords = 0x45;  // IPv4, 5 words of header
constexpr std::uint16_t kDoNotFragment = 0x4000;
constexpr std::uint8_t kTimeToLive = 64;
constexpr std::uint8_t kProtocolTcp = 6;
constexpr std::uint8_t kTcpHeaderWords = kTcpHeader / 4;
constexpr std::uint32_t kTimestampsOption = 0x0101'080A;  // two no-operations, kind 8, length 10 (RFC 7323)

// Offsets from the start of the frame.
constexpr std::size_t kIpAt = kEthernetHeader;
constexpr std::size_t kIpChecksumAt = kIpAt + 10;
constexpr std::size_t kTcpAt = kEthernetHeader + kIpHeader;

void put8(std::byte* at, std::uint8_t value) { *at = std::byte{value}; }
void put16(std::byte* at, std::uint16_t value) {
  put8(at, static_cast<std::uint8_t>(value >> 8));
  put8(at + 1, static_cast<std::uint8_t>(value));
}
void put32(std::byte* at, std::uint32_t value) {
  put16(at, static_cast<std::uint16_t>(value >> 16));
  put16(at + 2, static_cast<std::uint16_t>(value));
}
std::uint8_t get8(const std::byte* at) { return std::to_integer<std::uint8_t>(*at); }
std::uint16_t get16(const std::byte* at) { return static_cast<std::uint16_t>((get8(at) << 8) | get8(at + 1)); }
std::uint32_t get32(const std::byte* at) { return (std::uint32_t{get16(at)} << 16) | get16(at + 2); }

/// Locally administered addresses made of the IP address: there is no address resolution on this wire.
void put_station(std::byte* at, std::uint32_t address) {
  put16(at, 0x0200);
  put32(at + 2, address);
}

}  // namespace

HeaderBytes encode(const PacketHeader& header) {
  base::ensure(header.payload_size <= 0xFFFF - kIpHeader - kTcpHeader, "an IPv4 packet holds at most 65535 bytes");
  HeaderBytes bytes{};
  put_station(bytes.data(), header.destination_address);
  put_station(bytes.data() + 6, header.source_address);
  put16(bytes.data() + 12, kEtherTypeIpv4);

  std::byte* const ip = bytes.data() + kIpAt;
  put8(ip, kVersionAndHeaderWords);
  put16(ip + 2, static_cast<std::uint16_t>(kIpHeader + kTcpHeader + header.payload_size));
  put16(ip + 6, kDoNotFragment);
  put8(ip + 8, kTimeToLive);
  put8(ip + 9, kProtocolTcp);
  put32(ip + 12, header.source_address);
  put32(ip + 16, header.destination_address);
  put16(bytes.data() + kIpChecksumAt, static_cast<std::uint16_t>(~checksum_fold(checksum_add({ip, kIpHeader}, 0))));

  std::byte* const tcp = bytes.data() + kTcpAt;
  put16(tcp, header.source_port);
  put16(tcp + 2, header.destination_port);
  put32(tcp + 4, header.sequence);
  put32(tcp + 8, header.acknowledgment);
  put8(tcp + 12, kTcpHeaderWords << 4);
  put8(tcp + 13, header.flags);
  put16(tcp + 14, static_cast<std::uint16_t>(std::min<std::uint32_t>(header.window >> kWindowScale, 0xFFFF)));
  put16(tcp + 16, header.checksum);
  put32(tcp + 20, kTimestampsOption);
  put32(tcp + 24, header.timestamp);
  put32(tcp + 28, header.timestamp_echo);
  return bytes;
}

bool decode(std::span<const std::byte> frame, PacketHeader& header) {
  if (frame.size() < kAllHeaders || get16(frame.data() + 12) != kEtherTypeIpv4) return false;
  const std::byte* const ip = frame.data() + kIpAt;
  const std::uint16_t total = get16(ip + 2);
  if (get8(ip) != kVersionAndHeaderWords || get8(ip + 9) != kProtocolTcp || total < kIpHeader + kTcpHeader)
    return false;
  if (checksum_fold(checksum_add({ip, kIpHeader}, 0)) != 0xFFFF) return false;
  const std::byte* const tcp = frame.data() + kTcpAt;
  if (get8(tcp + 12) >> 4 != kTcpHeaderWords || get32(tcp + 20) != kTimestampsOption) return false;

  header.source_address = get32(ip + 12);
  header.destination_address = get32(ip + 16);
  header.source_port = get16(tcp);
  header.destination_port = get16(tcp + 2);
  header.sequence = get32(tcp + 4);
  header.acknowledgment = get32(tcp + 8);
  header.window = std::uint32_t{get16(tcp + 14)} << kWindowScale;
  header.flags = get8(tcp + 13);
  header.timestamp = get32(tcp + 24);
  header.timestamp_echo = get32(tcp + 28);
  header.payload_size = static_cast<std::uint16_t>(total - kIpHeader - kTcpHeader);
  header.checksum = get16(tcp + 16);
  return true;
}

std::uint32_t checksum_add(std::span<const std::byte> bytes, std::uint32_t sum) {
  return base::internet_checksum_add(bytes, sum);
}

std::uint16_t checksum_fold(std::uint32_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

std::uint32_t tcp_header_sum(const PacketHeader& header) {
  PacketHeader without_checksum = header;
  without_checksum.checksum = 0;
  const HeaderBytes bytes = encode(without_checksum);
  std::array<std::byte, 12> pseudo{};
  put32(pseudo.data(), header.source_address);
  put32(pseudo.data() + 4, header.destination_address);
  put8(pseudo.data() + 9, kProtocolTcp);
  put16(pseudo.data() + 10, static_cast<std::uint16_t>(kTcpHeader + header.payload_size));
  return checksum_add(std::span{bytes}.subspan(kTcpAt), checksum_add(pseudo, 0));
}

}  // namespace sluice::nic
