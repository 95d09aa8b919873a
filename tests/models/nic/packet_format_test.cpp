// SPDX-License-Identifier: Apache-2.0
#include "models/nic/packet_format.h"

#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sluice::nic {
namespace {

std::vector<std::byte> bytes_of(std::initializer_list<unsigned> values) {
  std::vector<std::byte> bytes;
  for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

PacketHeader some_header() {
  PacketHeader header;
  header.source_address = 0x0A000001;
  header.destination_address = 0x0A000002;
  header.source_port = 40000;
  header.destination_port = 80;
  header.sequence = 0x01020304;
  header.acknowledgment = 0x05060708;
  header.window = 64 << kWindowScale;
  header.flags = tcp_flag::kAck | tcp_flag::kPush;
  header.timestamp = 7;
  header.timestamp_echo = 9;
  header.payload_size = 1448;
  header.checksum = 0xBEEF;
  return header;
}

TEST(Checksum, OfTheExampleInRfc1071) {
  // RFC 1071, section 3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2.
  const auto bytes = bytes_of({0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7});
  EXPECT_EQ(checksum_fold(checksum_add(bytes, 0)), 0xDDF2);
}

TEST(Checksum, PadsAnOddTailWithZero) {
  EXPECT_EQ(checksum_fold(checksum_add(bytes_of({0x12, 0x34, 0x56}), 0)), 0x1234 + 0x5600);
}

TEST(Checksum, IpHeaderOfAKnownPacketIsRight) {
  // A widely reproduced IPv4 header; its checksum is b1e6.
  const auto header = bytes_of({0x45, 0x00, 0x00, 0x3C, 0x1C, 0x46, 0x40, 0x00, 0x40, 0x06,
                                0x00, 0x00, 0xAC, 0x10, 0x0A, 0x63, 0xAC, 0x10, 0x0A, 0x0C});
  EXPECT_EQ(static_cast<std::uint16_t>(~checksum_fold(checksum_add(header, 0))), 0xB1E6);
}

TEST(PacketFormat, FieldsLieWhereTheRfcsSay) {
  const HeaderBytes bytes = encode(some_header());
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(bytes[i]); };
  EXPECT_EQ(at(12) << 8 | at(13), 0x0800U);            // EtherType
  EXPECT_EQ(at(14), 0x45U);                            // version and header length
  EXPECT_EQ(at(16) << 8 | at(17), 20U + 32U + 1448U);  // total length
  EXPECT_EQ(at(23), 6U);                               // TCP
  EXPECT_EQ(at(26), 10U);                              // source 10.0.0.1
  EXPECT_EQ(at(33), 2U);                               // destination 10.0.0.2
  EXPECT_EQ(at(34) << 8 | at(35), 40000U);
  EXPECT_EQ(at(36) << 8 | at(37), 80U);
  EXPECT_EQ(at(38), 1U);     // sequence, highest byte
  EXPECT_EQ(at(46), 0x80U);  // 8 words of TCP header
  EXPECT_EQ(at(47), 0x18U);  // PSH, ACK
  EXPECT_EQ(at(48) << 8 | at(49), 64U);
  EXPECT_EQ(at(50) << 8 | at(51), 0xBEEFU);
  EXPECT_EQ(at(56), 8U);  // kind: timestamps
  EXPECT_EQ(at(57), 10U);
}

TEST(PacketFormat, DecodeRefusesABrokenIpChecksum) {
  HeaderBytes bytes = encode(some_header());
  PacketHeader header;
  ASSERT_TRUE(decode(bytes, header));
  bytes[26] ^= std::byte{1};
  EXPECT_FALSE(decode(bytes, header));
}

TEST(PacketFormat, DecodeRefusesOtherProtocolsAndShortFrames) {
  PacketHeader header;
  HeaderBytes bytes = encode(some_header());
  EXPECT_FALSE(decode(std::span{bytes}.first(kAllHeaders - 1), header));
  bytes[13] = std::byte{0x06};  // ARP
  EXPECT_FALSE(decode(bytes, header));
}

TEST(PacketFormat, TcpChecksumVerifiesOverPseudoHeaderHeaderAndPayload) {
  PacketHeader header = some_header();
  const auto payload = bytes_of({1, 2, 3, 4, 5});
  header.payload_size = 5;
  header.checksum = static_cast<std::uint16_t>(~checksum_fold(checksum_add(payload, tcp_header_sum(header))));
  // As a receiver does it: pseudo header by hand, then every byte from the TCP header on.
  const HeaderBytes bytes = encode(header);
  const auto pseudo = bytes_of({10, 0, 0, 1, 10, 0, 0, 2, 0, 6, 0, 37});
  std::uint32_t sum = checksum_add(pseudo, 0);
  sum = checksum_add(std::span{bytes}.subspan(34), sum);
  sum = checksum_add(payload, sum);
  EXPECT_EQ(checksum_fold(sum), 0xFFFF);
}

RC_GTEST_PROP(PacketFormatProperty, DecodeGivesBackWhatEncodeWrote, ()) {
  PacketHeader header;
  header.source_address = *rc::gen::arbitrary<std::uint32_t>();
  header.destination_address = *rc::gen::arbitrary<std::uint32_t>();
  header.source_port = *rc::gen::arbitrary<std::uint16_t>();
  header.destination_port = *rc::gen::arbitrary<std::uint16_t>();
  header.sequence = *rc::gen::arbitrary<std::uint32_t>();
  header.acknowledgment = *rc::gen::arbitrary<std::uint32_t>();
  header.window = *rc::gen::inRange<std::uint32_t>(0, 65536) << kWindowScale;
  header.flags = *rc::gen::arbitrary<std::uint8_t>();
  header.timestamp = *rc::gen::arbitrary<std::uint32_t>();
  header.timestamp_echo = *rc::gen::arbitrary<std::uint32_t>();
  header.payload_size = *rc::gen::inRange<std::uint16_t>(0, 65483);
  header.checksum = *rc::gen::arbitrary<std::uint16_t>();
  PacketHeader back;
  RC_ASSERT(decode(encode(header), back));
  RC_ASSERT(encode(back) == encode(header));
  RC_ASSERT(back.sequence == header.sequence && back.window == header.window && back.checksum == header.checksum);
}

}  // namespace
}  // namespace sluice::nic
