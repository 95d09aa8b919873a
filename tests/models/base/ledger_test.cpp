// SPDX-License-Identifier: Apache-2.0
#include "models/base/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::base {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr PhysAddr page(unsigned number) { return PhysAddr{Bytes{number} * kPageSize}; }

/// Frames 0 to 3 page cache, 4 to 7 user buffer, 8 to 11 socket buffer. Page cache holds file 1 from offset 0.
class LedgerTest : public testing::Test {
 protected:
  LedgerTest() {
    for (std::uint32_t i = 0; i < 4; ++i) {
      ledger.assign(Frame{i}, Place::PageCache);
      ledger.assign(Frame{4 + i}, Place::UserBuffer);
      ledger.assign(Frame{8 + i}, Place::SocketBuffer);
    }
    ledger.declare(page(0), {{0, 4 * kPageSize, 0, 1, 0}}, 4 * kPageSize);
    ledger.record(true);
  }
  MoveTotal total(Place from, Place to, Mover by) const {
    for (const Move& move : ledger.moves()) {
      if (move.from == from && move.to == to && move.by == by) return move.bytes;
    }
    return {};
  }
  Ledger ledger;
};

TEST_F(LedgerTest, CopyCarriesThePayloadAlong) {
  ledger.copied(page(1), page(4), 4096, Mover::Cpu);
  EXPECT_THAT(ledger.shadow_of(page(4), 4096), ElementsAre(ShadowPiece{0, 4096, 4096, 1, 0}));
  EXPECT_EQ(total(Place::PageCache, Place::UserBuffer, Mover::Cpu).payload, 4096U);
  EXPECT_EQ(total(Place::PageCache, Place::UserBuffer, Mover::Cpu).overhead, 0U);
  EXPECT_THAT(ledger.breaches(), IsEmpty());
}

TEST_F(LedgerTest, FourGibibytesDeclaredAtOnceAreAllPayload) {
  ledger.declare(PhysAddr{0}, {{0, 4_GiB, 0, 1, 0}}, 4_GiB);
  EXPECT_EQ(ledger.shadow_of(PhysAddr{4_GiB - kPageSize}, kPageSize),
            (Shadow{{0, kPageSize, 4_GiB - kPageSize, 1, 0}}));
}

TEST_F(LedgerTest, CopyAcrossPagesAtUnequalOffsetsKeepsOnePiece) {
  ledger.copied(page(0) + 100, page(4) + 3000, 6000, Mover::Cpu);
  EXPECT_THAT(ledger.shadow_of(page(4), 3 * 4096), ElementsAre(ShadowPiece{3000, 6000, 100, 1, 0}));
  EXPECT_THAT(ledger.shadow_of(page(5), 4096), ElementsAre(ShadowPiece{0, 4096, 1196, 1, 0}));
  EXPECT_EQ(total(Place::PageCache, Place::UserBuffer, Mover::Cpu).payload, 6000U);
}

TEST_F(LedgerTest, WhatIsNoPayloadIsOverhead) {
  ledger.copied(page(4), page(8), 54, Mover::Cpu);              // a header
  ledger.copied(page(0) + 4000, page(8) + 54, 96, Mover::Cpu);  // payload behind it
  const Shadow shadow = ledger.read_by_device(page(8), 200, Place::NicFifo, Mover::Dma);
  EXPECT_THAT(shadow, ElementsAre(ShadowPiece{54, 96, 4000, 1, 0}));
  EXPECT_EQ(total(Place::SocketBuffer, Place::NicFifo, Mover::Dma).payload, 96U);
  EXPECT_EQ(total(Place::SocketBuffer, Place::NicFifo, Mover::Dma).overhead, 104U);
  EXPECT_EQ(total(Place::UserBuffer, Place::SocketBuffer, Mover::Cpu).overhead, 54U);
}

TEST_F(LedgerTest, AFrameHoldsSeveralPieces) {
  ledger.copied(page(0), page(4), 100, Mover::Cpu);
  ledger.copied(page(2), page(4) + 200, 100, Mover::Cpu);
  ledger.copied(page(1), page(4) + 100, 50, Mover::Cpu);
  EXPECT_THAT(
      ledger.shadow_of(page(4), 4096),
      ElementsAre(ShadowPiece{0, 100, 0, 1, 0}, ShadowPiece{100, 50, 4096, 1, 0}, ShadowPiece{200, 100, 8192, 1, 0}));
  ledger.copied(page(4), page(5), 4096, Mover::Cpu);
  EXPECT_EQ(ledger.shadow_of(page(5), 4096), ledger.shadow_of(page(4), 4096));
  ledger.stored(page(4) + 50, 200);
  EXPECT_THAT(ledger.shadow_of(page(4), 4096),
              ElementsAre(ShadowPiece{0, 50, 0, 1, 0}, ShadowPiece{250, 50, 8242, 1, 0}));
  ledger.copied(page(3), page(4), 4096, Mover::Cpu);
  EXPECT_THAT(ledger.shadow_of(page(4), 4096), ElementsAre(ShadowPiece{0, 4096, 3 * 4096, 1, 0}));
}

TEST_F(LedgerTest, OverlappingCopyReadsBeforeItWrites) {
  ledger.copied(page(0), page(0) + 1000, 8000, Mover::Cpu);
  EXPECT_THAT(ledger.shadow_of(page(0), 9000),
              ElementsAre(ShadowPiece{0, 1000, 0, 1, 0}, ShadowPiece{1000, 8000, 0, 1, 0}));
  EXPECT_EQ(total(Place::PageCache, Place::PageCache, Mover::Cpu).payload, 8000U);
}

TEST_F(LedgerTest, StoredBytesArePayloadNoLonger) {
  ledger.stored(page(0) + 4000, 200);
  EXPECT_THAT(ledger.shadow_of(page(0), 8192),
              ElementsAre(ShadowPiece{0, 4000, 0, 1, 0}, ShadowPiece{4200, 3992, 4200, 1, 0}));
}

TEST_F(LedgerTest, MovesAreTotalledOnlyWhileRecordingButShadowsAlways) {
  ledger.record(false);
  ledger.copied(page(0), page(4), 4096, Mover::Cpu);
  ledger.passed_reference(Place::PageCache, Place::Pipe, page(0), 4096);
  EXPECT_THAT(ledger.moves(), IsEmpty());
  EXPECT_EQ(payload_in(ledger.shadow_of(page(4), 4096)), 4096U);
  ledger.moved(Place::DiskMedia, Place::DiskBuffer, Mover::Device, {{0, 10, 0, 1, 0}}, 10);
  EXPECT_EQ(ledger.held_in(Place::DiskBuffer), 10);
}

TEST_F(LedgerTest, AReferenceCountsAndCopiesNothing) {
  ledger.passed_reference(Place::PageCache, Place::Pipe, page(0) + 96, 5000);
  EXPECT_EQ(total(Place::PageCache, Place::Pipe, Mover::Reference).payload, 5000U);
  EXPECT_EQ(ledger.total_by(Mover::Cpu).payload, 0U);
}

TEST_F(LedgerTest, TotalsByMoverSumOverPlaces) {
  ledger.copied(page(0), page(4), 4096, Mover::Cpu);
  ledger.copied(page(4), page(8), 4096, Mover::Cpu);
  ledger.copied(page(11), page(7), 10, Mover::Cpu);
  EXPECT_EQ(ledger.total_by(Mover::Cpu).payload, 8192U);
  EXPECT_EQ(ledger.total_by(Mover::Cpu).overhead, 10U);
  const std::vector<Move> moves = ledger.moves();
  ASSERT_EQ(moves.size(), 3U);
  EXPECT_EQ(moves[0].from, Place::PageCache);
  EXPECT_EQ(moves[1].from, Place::UserBuffer);
  EXPECT_EQ(moves[2].from, Place::SocketBuffer);
}

TEST_F(LedgerTest, DiskToPeerIsConserved) {
  const Shadow from_media{{0, 8192, 0, 2, 0}};
  ledger.moved(Place::DiskMedia, Place::DiskBuffer, Mover::Device, from_media, 8192);
  EXPECT_EQ(ledger.held_in(Place::DiskBuffer), 8192);
  ledger.written_by_device(Place::DiskBuffer, from_media, page(0), 8192, Mover::Dma);
  EXPECT_EQ(ledger.held_in(Place::DiskBuffer), 0);
  const Shadow sent = ledger.read_by_device(page(0), 8192, Place::NicFifo, Mover::Dma);
  EXPECT_EQ(sent, from_media);
  ledger.moved(Place::NicFifo, Place::Wire, Mover::Device, sent, 8192 + 6 * 66);
  EXPECT_EQ(ledger.held_in(Place::NicFifo), 0);
  EXPECT_EQ(ledger.held_in(Place::Wire), 8192);
  ledger.moved(Place::Wire, Place::Peer, Mover::Device, sent, 8192);
  ledger.delivered(sent);
  EXPECT_EQ(ledger.held_in(Place::Wire), 0);
  EXPECT_EQ(ledger.delivered_bytes(), 8192U);
  EXPECT_EQ(total(Place::DiskBuffer, Place::PageCache, Mover::Dma).payload, 8192U);
  EXPECT_EQ(total(Place::NicFifo, Place::Wire, Mover::Device).overhead, 396U);
  EXPECT_THAT(ledger.breaches(), IsEmpty());
}

TEST_F(LedgerTest, ADroppedFrameIsNotHeld) {
  const Shadow sent = ledger.read_by_device(page(0), 1000, Place::NicFifo, Mover::Dma);
  ledger.moved(Place::NicFifo, Place::Wire, Mover::Device, sent, 1066);
  ledger.dropped(Place::Wire, 1066);  // with its header
  EXPECT_EQ(ledger.held_in(Place::Wire), 0);
  EXPECT_THAT(ledger.breaches(), IsEmpty());
}

TEST_F(LedgerTest, GivingOutWhatNeverCameInIsABreach) {
  const Shadow sent = ledger.read_by_device(page(0), 1000, Place::NicFifo, Mover::Dma);
  ledger.moved(Place::NicFifo, Place::Wire, Mover::Device, sent, 1000);
  ledger.moved(Place::NicFifo, Place::Wire, Mover::Device, sent, 1000);
  EXPECT_EQ(ledger.held_in(Place::NicFifo), -1000);
  EXPECT_THAT(ledger.breaches(), ElementsAre("nic.fifo gave out 1000 payload bytes that had not come in"));
}

TEST_F(LedgerTest, AByteDeliveredMoreOftenThanItIsToBeIsABreach) {
  ledger.expect_deliveries(2);
  for (int time = 0; time < 3; ++time) ledger.delivered({{0, 1448, 0, 1, 0}});
  EXPECT_EQ(ledger.delivered_bytes(), 2896U);
  EXPECT_THAT(ledger.breaches(),
              ElementsAre("1448 bytes of file 1 within [0, 1448) reached the peer more than 2 times"));
}

TEST_F(LedgerTest, AByteDeliveredTwiceIsABreach) {
  ledger.delivered({{0, 1448, 0, 1, 0}});
  ledger.delivered({{0, 1448, 1400, 1, 0}});
  EXPECT_EQ(ledger.delivered_bytes(), 2848U);
  EXPECT_THAT(ledger.breaches(), ElementsAre("48 bytes of file 1 within [1400, 2848) reached the peer twice"));
}

TEST_F(LedgerTest, FilesAreDeliveredApart) {
  ledger.delivered({{0, 100, 0, 1, 0}, {100, 100, 0, 2, 0}});
  EXPECT_EQ(ledger.delivered_bytes(), 200U);
  EXPECT_THAT(ledger.breaches(), IsEmpty());
}

TEST_F(LedgerTest, DeliveringOldBytesOfARewrittenFileIsABreach) {
  ledger.declare(page(1), {{0, 4096, 4096, 1, 1}}, 4096);
  ledger.delivered({{0, 8192, 0, 1, 0}});
  EXPECT_THAT(ledger.breaches(), ElementsAre(HasSubstr("4096 bytes of file 1")));
}

TEST_F(LedgerTest, ReadingAFreedPageIsABreach) {
  ledger.assign(Frame{0}, Place::Free);
  EXPECT_THAT(ledger.shadow_of(page(0), 4096), IsEmpty());
  static_cast<void>(ledger.read_by_device(page(0), 100, Place::NicFifo, Mover::Dma));
  EXPECT_THAT(ledger.breaches(), ElementsAre("payload was read from frame 0x0, which is free"));
  ledger.copied(page(0), page(4), 100, Mover::Cpu);
  EXPECT_EQ(ledger.breaches().size(), 2U);
}

TEST_F(LedgerTest, AFrameServesAgainAfterItWasFreed) {
  ledger.assign(Frame{0}, Place::Free);
  ledger.assign(Frame{0}, Place::UserBuffer);
  ledger.copied(page(0), page(4), 4096, Mover::Cpu);
  EXPECT_EQ(total(Place::UserBuffer, Place::UserBuffer, Mover::Cpu).overhead, 4096U);
  EXPECT_THAT(ledger.breaches(), IsEmpty());
}

TEST_F(LedgerTest, AFreeFrameWithoutPayloadMayBeRead) {
  ledger.copied(page(100), page(4), 4096, Mover::Cpu);
  EXPECT_THAT(ledger.breaches(), IsEmpty());
}

TEST_F(LedgerTest, ReassigningKeepsTheShadow) {
  ledger.assign(Frame{2}, Place::SocketBuffer);
  EXPECT_EQ(ledger.place_of(Frame{2}), Place::SocketBuffer);
  EXPECT_EQ(payload_in(ledger.shadow_of(page(2), 4096)), 4096U);
  EXPECT_EQ(ledger.place_of(Frame{123456}), Place::Free);
}

TEST_F(LedgerTest, ManyBreachesAreSummedUp) {
  for (int i = 0; i < 50; ++i) ledger.delivered({{0, 1, 0, 1, 0}});
  EXPECT_EQ(ledger.breaches().size(), 21U);
  EXPECT_EQ(ledger.breaches().back(), "and 29 more breaches of conservation");
}

TEST(Names, AreThoseOfTheResults) {
  EXPECT_EQ(name_of(Place::PageCache), "kernel.page_cache");
  EXPECT_EQ(name_of(Place::DiskBuffer), "disk.buffer");
  EXPECT_EQ(name_of(Place::ReceiverUserBuffer), "receiver.user_buffer");
  EXPECT_EQ(name_of(Mover::Reference), "reference");
}

TEST(AppendSlice, CutsRebasesAndMerges) {
  const Shadow from{{0, 100, 1000, 1, 0}, {150, 100, 5000, 1, 0}};
  Shadow to;
  append_slice(to, 10, from, 50, 150);
  EXPECT_THAT(to, ElementsAre(ShadowPiece{10, 50, 1050, 1, 0}, ShadowPiece{110, 50, 5000, 1, 0}));
  append_slice(to, 160, from, 200, 1000);
  EXPECT_THAT(to, ElementsAre(ShadowPiece{10, 50, 1050, 1, 0}, ShadowPiece{110, 100, 5000, 1, 0}));
  append_slice(to, 300, from, 100, 50);
  append_slice(to, 300, from, 50, 0);
  EXPECT_EQ(to.size(), 2U);
}

}  // namespace
}  // namespace sluice::base
