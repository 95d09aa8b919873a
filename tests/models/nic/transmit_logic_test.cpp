// SPDX-License-Identifier: Apache-2.0
#include "models/nic/transmit_logic.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sluice::nic {
namespace {

constexpr std::uint8_t kHeader = static_cast<std::uint8_t>(kAllHeaders);

/// A packet of one header descriptor and payload fragments.
struct PacketUnderTest {
  std::vector<std::uint16_t> fragments{1000};
  std::uint8_t flags = 0;
  std::uint16_t mss = 0;

  [[nodiscard]] GatherList list() const {
    std::vector<TxDescriptor> descriptors{{0x1000, kHeader, flags, kHeader, mss, 0}};
    std::uint64_t address = 0x10000;
    for (const std::uint16_t size : fragments) {
      descriptors.push_back({address, size, 0, 0, 0, 0});
      address += 0x10000;  // never neighbours
    }
    descriptors.back().flags |= kTxEndOfPacket;
    return GatherList::of(descriptors);
  }
};

struct Case {
  const char* what;
  PacketUnderTest packet;
  TransmitFeatures features;
  DescriptorError expected;
};
constexpr TransmitFeatures kAll{};

TEST(PacketRules, EachBreachHasItsError) {
  const std::vector<std::uint16_t> three_pages{4096, 4096, 4096};
  const Case cases[] = {
      {"plain", {}, kAll, DescriptorError::None},
      {"full frame", {.fragments = {1448}}, kAll, DescriptorError::None},
      {"one byte too many for the MTU", {.fragments = {1449}}, kAll, DescriptorError::TooLarge},
      {"jumbo frame", {.fragments = {8948}}, {.mtu = 9000}, DescriptorError::None},
      {"segmented", {three_pages, kTxSegment, 1448}, kAll, DescriptorError::None},
      {"segments of no bytes", {three_pages, kTxSegment, 0}, kAll, DescriptorError::BadSegmentSize},
      {"segments too long for the MTU", {three_pages, kTxSegment, 1449}, kAll, DescriptorError::BadSegmentSize},
      {"longer than IPv4 allows", {{65000, 600}, kTxSegment, 1448}, kAll, DescriptorError::TooLarge},
      {"no gather", {}, {.gather = false}, DescriptorError::NoGather},
      {"no checksum", {{100}, kTxInsertChecksum, 0}, {.checksum = false}, DescriptorError::NoChecksum},
      {"no segmentation", {three_pages, kTxSegment, 1448}, {.segmentation = false}, DescriptorError::NoSegmentation},
      {"empty fragment", {{100, 0, 100}}, kAll, DescriptorError::EmptyFragment},
      {"too many fragments", {std::vector<std::uint16_t>(256, 1)}, kAll, DescriptorError::TooManyFragments},
  };
  for (const Case& c : cases) EXPECT_EQ(c.packet.list().check(c.features), c.expected) << c.what;
}

TEST(PacketRules, WithoutGatherAPacketIsOneDescriptor) {
  const TxDescriptor whole{0x1000, 1514, kTxEndOfPacket, kHeader, 0, 0};
  EXPECT_EQ(GatherList::of({&whole, 1}).check({.gather = false}), DescriptorError::None);
}

TEST(PacketRules, HeaderSizeMustBeThatOfTheFormat) {
  for (const std::uint8_t size : {std::uint8_t{0}, std::uint8_t{54}, std::uint8_t{67}}) {
    const TxDescriptor descriptor{0x1000, 500, kTxEndOfPacket, size, 0, 0};
    EXPECT_EQ(GatherList::of({&descriptor, 1}).check(kAll), DescriptorError::BadHeaderSize) << int{size};
  }
  const TxDescriptor too_short{0x1000, kHeader - 1, kTxEndOfPacket, kHeader, 0, 0};
  EXPECT_EQ(GatherList::of({&too_short, 1}).check(kAll), DescriptorError::BadHeaderSize);
}

TEST(Gather, PiecesOfARangeCrossFragmentsWhereTheyMeet) {
  const GatherList packet = PacketUnderTest{.fragments = {100, 200, 300}}.list();
  std::vector<std::pair<std::uint64_t, Bytes>> pieces;
  packet.for_each_piece(60, 250, [&](BusAddr at, Bytes n) { pieces.emplace_back(at.value(), n); });
  // 60..65 of the header, all 100 of the first, 144 of the second.
  const std::vector<std::pair<std::uint64_t, Bytes>> expected{{0x1000 + 60, 6}, {0x10000, 100}, {0x20000, 144}};
  EXPECT_EQ(pieces, expected);
}

TEST(Gather, FragmentsThatContinueEachOtherAreOnePiece) {
  const TxDescriptor descriptors[] = {{0x1000, kHeader, 0, kHeader, 0, 0},
                                      {0x8000, 4096, 0, 0, 0, 0},
                                      {0x9000, 4096, 0, 0, 0, 0},
                                      {0xB000, 10, kTxEndOfPacket, 0, 0, 0}};
  std::vector<Bytes> sizes;
  GatherList::of(descriptors).for_each_piece(0, 66 + 8192 + 10, [&](BusAddr, Bytes n) { sizes.push_back(n); });
  EXPECT_EQ(sizes, (std::vector<Bytes>{66, 8192, 10}));
}

TEST(Segmentation, Of64KiBMakes45FramesWithPushAndFinOnTheLast) {
  const GatherList packet = PacketUnderTest{{32768, 32392}, kTxSegment, 1448}.list();  // 45 x 1448
  PacketHeader header;
  header.sequence = 0xFFFF'FF00;
  header.flags = tcp_flag::kAck | tcp_flag::kPush | tcp_flag::kFin;
  Burst burst = frames_of(header, packet, next_portion(packet, 0, 1_MiB));
  burst.storage = Buffer::of_size(packet.payload_size());
  ASSERT_EQ(burst.frames, 45U);
  EXPECT_EQ(burst.header_of(0).sequence, 0xFFFF'FF00U);
  EXPECT_EQ(burst.header_of(1).sequence, 0xFFFF'FF00U + 1448U);  // wraps around 2^32
  EXPECT_EQ(burst.header_of(0).flags, tcp_flag::kAck);
  EXPECT_EQ(burst.header_of(43).flags, tcp_flag::kAck);
  EXPECT_EQ(burst.header_of(44).flags, tcp_flag::kAck | tcp_flag::kPush | tcp_flag::kFin);
  EXPECT_EQ(burst.header_of(44).payload_size, 1448);
}

TEST(Segmentation, LastFrameHasTheRest) {
  const GatherList packet = PacketUnderTest{{3000}, kTxSegment, 1448}.list();
  Burst burst = frames_of({}, packet, next_portion(packet, 0, 1_MiB));
  burst.storage = Buffer::of_size(3000);
  ASSERT_EQ(burst.frames, 3U);
  EXPECT_EQ(burst.payload_of(1), 1448U);
  EXPECT_EQ(burst.payload_of(2), 104U);
}

TEST(Segmentation, APacketWithoutPayloadIsOneFrame) {
  const TxDescriptor descriptor{0x1000, kHeader, kTxEndOfPacket | kTxSegment, kHeader, 1448, 0};
  const GatherList packet = GatherList::of({&descriptor, 1});
  EXPECT_EQ(frames_of({}, packet, next_portion(packet, 0, 1_MiB)).frames, 1U);
}

RC_GTEST_PROP(SegmentationProperty, PortionsCoverThePacketInWholeFramesAndInOrder, ()) {
  const auto mss = *rc::gen::inRange<std::uint16_t>(1, 1449);
  PacketUnderTest under_test{{}, kTxSegment, mss};
  under_test.fragments = *rc::gen::nonEmpty(
      rc::gen::resize(15, rc::gen::container<std::vector<std::uint16_t>>(rc::gen::inRange<std::uint16_t>(1, 4097))));
  const GatherList packet = under_test.list();
  const auto most = *rc::gen::inRange<Bytes>(1, 70000);
  PacketHeader header;
  header.flags = tcp_flag::kAck | tcp_flag::kPush;
  Portion portion;
  Bytes covered = 0;
  do {
    portion = next_portion(packet, portion.payload_begin + portion.payload_size, most);
    RC_ASSERT(portion.payload_begin == covered);
    RC_ASSERT(portion.payload_size > 0U);
    RC_ASSERT(portion.last || portion.payload_size % mss == 0);
    RC_ASSERT(portion.payload_size <= std::max<Bytes>(most, mss));
    Burst burst = frames_of(header, packet, portion);
    burst.storage = Buffer::of_size(portion.payload_size);
    Bytes in_frames = 0;
    for (unsigned i = 0; i < burst.frames; ++i) {
      const PacketHeader own = burst.header_of(i);
      RC_ASSERT(own.sequence == covered + in_frames);
      RC_ASSERT(own.payload_size > 0U);
      RC_ASSERT(((own.flags & tcp_flag::kPush) != 0) == (portion.last && i + 1 == burst.frames));
      in_frames += own.payload_size;
    }
    RC_ASSERT(in_frames == portion.payload_size);
    covered += portion.payload_size;
  } while (!portion.last);
  RC_ASSERT(covered == packet.payload_size());
}

RC_GTEST_PROP(GatherProperty, PiecesOfAnyRangeAreExactlyItsBytes, ()) {
  PacketUnderTest under_test;
  under_test.fragments =
      *rc::gen::nonEmpty(rc::gen::container<std::vector<std::uint16_t>>(rc::gen::inRange<std::uint16_t>(1, 500)));
  const GatherList packet = under_test.list();
  // The same by the book: an address for each byte.
  std::vector<std::uint64_t> addresses;
  for (std::uint64_t i = 0; i < kAllHeaders; ++i) addresses.push_back(0x1000 + i);
  for (std::size_t f = 0; f < under_test.fragments.size(); ++f) {
    for (std::uint64_t i = 0; i < under_test.fragments[f]; ++i) addresses.push_back((f + 1) * 0x10000 + i);
  }
  const auto begin = *rc::gen::inRange<Bytes>(0, packet.size());
  const auto size = *rc::gen::inRange<Bytes>(0, packet.size() - begin + 1);
  std::vector<std::uint64_t> seen;
  packet.for_each_piece(begin, size, [&](BusAddr at, Bytes n) {
    for (Bytes i = 0; i < n; ++i) seen.push_back(at.value() + i);
  });
  RC_ASSERT(seen == std::vector<std::uint64_t>(addresses.begin() + static_cast<std::ptrdiff_t>(begin),
                                               addresses.begin() + static_cast<std::ptrdiff_t>(begin + size)));
}

}  // namespace
}  // namespace sluice::nic
