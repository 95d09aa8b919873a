// SPDX-License-Identifier: Apache-2.0
#include "models/nic/peer_logic.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sluice::nic {
namespace {

constexpr std::uint32_t kFirstByte = 5001;  // sequence number after the SYN

PeerConfig plain_policy(unsigned ack_segments) {
  PeerConfig config;
  config.ack_segments = ack_segments;
  config.acknowledge_push = false;
  config.quick_acks = 0;
  config.turnaround = 1_us;
  return config;
}

/// A burst with frames that arrive 100 ns apart.
Burst burst_of(std::uint32_t sequence, Bytes payload, Bytes frame_payload, Picoseconds first = 10_us,
               std::uint8_t flags = tcp_flag::kAck) {
  Burst burst;
  burst.header.source_port = 40000;
  burst.header.destination_port = 80;
  burst.header.sequence = sequence;
  burst.header.acknowledgment = 1'000'001;
  burst.header.window = 64 << kWindowScale;
  burst.header.flags = flags;
  burst.frames = payload == 0 ? 1 : static_cast<unsigned>(base::divide_up(payload, frame_payload));
  burst.frame_payload = std::min(payload, frame_payload);
  burst.checksum_inserted = true;
  burst.storage = Buffer::of_size(payload);
  std::memset(burst.storage.bytes.get(), 0x5A, payload);
  burst.first_arrival = first;
  burst.interval = 100_ns;
  burst.last_arrival = first + 100_ns * (burst.frames - 1);
  return burst;
}

/// A connection after the handshake.
struct Connected {
  explicit Connected(const PeerConfig& config)
      : peer(config, burst_of(kFirstByte - 1, 0, 1, 0_us, tcp_flag::kSyn).header, 1448) {
    std::vector<Reply> handshake;
    peer.receive(burst_of(kFirstByte - 1, 0, 1, 0_us, tcp_flag::kSyn), handshake);
    EXPECT_EQ(handshake.size(), 1U);
    peer.receive(burst_of(kFirstByte, 0, 1, 1_us), handshake);
    EXPECT_EQ(handshake.size(), 1U);
  }
  Accepted receive(const Burst& burst) { return peer.receive(burst, replies); }

  struct Acknowledgment {
    std::uint32_t upto;  ///< payload bytes of the connection
    Picoseconds ready;
    bool operator==(const Acknowledgment&) const = default;
  };
  /// All answers so far, frame by frame.
  std::vector<Acknowledgment> acknowledgments() {
    std::vector<Acknowledgment> all;
    for (Reply& reply : replies) {
      for (unsigned i = 0; i < reply.burst.frames; ++i) {
        const Picoseconds spread = reply.last_ready - reply.first_ready;
        const Picoseconds at =
            reply.burst.frames == 1 ? reply.first_ready : reply.first_ready + spread * i / (reply.burst.frames - 1);
        all.push_back({reply.burst.header_of(i).acknowledgment - kFirstByte, at});
      }
    }
    return all;
  }

  PeerConnection peer;
  std::vector<Reply> replies;
};
using Acks = std::vector<Connected::Acknowledgment>;

PeerConfig merging() {
  PeerConfig config = plain_policy(2);
  config.gro = true;
  config.gro_pause = 8_us;
  return config;
}

TEST(PeerMerges, ABurstThatEndsWithAPushAndAcknowledgesItOnce) {
  Connected c{merging()};
  Burst burst = burst_of(kFirstByte, 44 * 1448, 1448, 10_us);
  burst.last_flags = tcp_flag::kPush;
  c.receive(burst);
  EXPECT_EQ(c.acknowledgments(), (Acks{{44 * 1448, 10_us + 4'300_ns + 1_us}}));
  EXPECT_FALSE(c.peer.timer());
}

/// 44 frames, whether the card or the kernel cut them.
TEST(PeerMerges, FramesThatComeSinglyAsIfTheyWereOneBurst) {
  Connected c{merging()};
  for (unsigned i = 0; i < 44; ++i) {
    Burst frame = burst_of(kFirstByte + i * 1448, 1448, 1448, 10_us + 100_ns * i);
    if (i == 43) frame.last_flags = tcp_flag::kPush;
    c.receive(frame);
  }
  EXPECT_EQ(c.acknowledgments(), (Acks{{44 * 1448, 10_us + 4'300_ns + 1_us}}));
}

TEST(PeerMerges, NoMoreThanSixtyFourKibibytes) {
  Connected c{merging()};
  for (unsigned i = 0; i < 90; ++i) c.receive(burst_of(kFirstByte + i * 1448, 1448, 1448, 10_us + 100_ns * i));
  EXPECT_EQ(c.acknowledgments(), (Acks{{45 * 1448, 10_us + 4'400_ns + 1_us}, {90 * 1448, 10_us + 8'900_ns + 1_us}}));
}

TEST(PeerMerges, NothingAcrossAPause) {
  Connected c{merging()};
  for (unsigned i = 0; i < 3; ++i) c.receive(burst_of(kFirstByte + i * 1448, 1448, 1448, 10_us + 100_ns * i));
  EXPECT_TRUE(c.acknowledgments().empty());
  ASSERT_TRUE(c.peer.timer());
  EXPECT_EQ(*c.peer.timer(), 10'200_ns + 8_us);
  c.receive(burst_of(kFirstByte + 3 * 1448, 1448, 1448, 30_us));
  EXPECT_EQ(c.acknowledgments(), (Acks{{3 * 1448, 18'200_ns + 1_us}}));
}

TEST(PeerMerges, ASingleFrameWhoseAcknowledgmentWaitsForAnotherOrForTheDelay) {
  Connected c{merging()};
  c.receive(burst_of(kFirstByte, 1448, 1448, 10_us));
  EXPECT_TRUE(c.acknowledgments().empty());
  c.peer.timer_due(c.replies);
  EXPECT_TRUE(c.acknowledgments().empty());
  EXPECT_EQ(*c.peer.timer(), 18_us + 40_ms);
  c.receive(burst_of(kFirstByte + 1448, 1448, 1448, 20_us));
  c.peer.timer_due(c.replies);
  EXPECT_EQ(c.acknowledgments(), (Acks{{2 * 1448, 28_us + 1_us}}));
  EXPECT_FALSE(c.peer.timer());
}

TEST(PeerHandshake, SynIsAnsweredAfterTheTurnaround) {
  PeerConfig config = plain_policy(2);
  config.initial_sequence = 77;
  config.receive_window = 1_MiB;
  const Burst syn = burst_of(4999, 0, 1, 3_us, tcp_flag::kSyn);
  PeerConnection peer{config, syn.header, 1448};
  std::vector<Reply> replies;
  peer.receive(syn, replies);
  ASSERT_EQ(replies.size(), 1U);
  const PacketHeader answer = replies[0].burst.header_of(0);
  EXPECT_EQ(answer.flags, tcp_flag::kSyn | tcp_flag::kAck);
  EXPECT_EQ(answer.sequence, 77U);
  EXPECT_EQ(answer.acknowledgment, 5000U);
  EXPECT_EQ(answer.source_port, 80);
  EXPECT_EQ(answer.destination_port, 40000);
  EXPECT_EQ(answer.window, 1_MiB);
  EXPECT_EQ(replies[0].first_ready, 4_us);
}

TEST(PeerAcknowledges, EverySecondFullSegmentWhenItArrives) {
  Connected c{plain_policy(2)};
  c.receive(burst_of(kFirstByte, 6 * 1000, 1000));
  EXPECT_EQ(c.acknowledgments(), (Acks{{2000, 11'100_ns}, {4000, 11'300_ns}, {6000, 11'500_ns}}));
  EXPECT_FALSE(c.peer.timer());
}

TEST(PeerAcknowledges, TheOddSegmentWithTheNextBurst) {
  Connected c{plain_policy(2)};
  c.receive(burst_of(kFirstByte, 3000, 1000));
  c.receive(burst_of(kFirstByte + 3000, 1000, 1000, 20_us));
  EXPECT_EQ(c.acknowledgments(), (Acks{{2000, 11'100_ns}, {4000, 21_us}}));
}

TEST(PeerAcknowledges, AfterTheDelayWhenNothingFollows) {
  Connected c{plain_policy(2)};
  c.receive(burst_of(kFirstByte, 3000, 1000));
  ASSERT_TRUE(c.peer.timer());
  EXPECT_EQ(*c.peer.timer(), 10'200_ns + 40_ms);  // from the frame that is not acknowledged
  c.peer.timer_due(c.replies);
  EXPECT_EQ(c.acknowledgments(), (Acks{{2000, 11'100_ns}, {3000, 10'200_ns + 40_ms}}));
  EXPECT_FALSE(c.peer.timer());
}

TEST(PeerAcknowledges, TheDelayBeforeABurstThatComesLater) {
  Connected c{plain_policy(2)};
  c.receive(burst_of(kFirstByte, 1000, 1000));
  c.receive(burst_of(kFirstByte + 1000, 1000, 1000, 50_ms));
  const Acks acks = c.acknowledgments();
  ASSERT_EQ(acks.size(), 1U);
  EXPECT_EQ(acks[0], (Connected::Acknowledgment{1000, 10_us + 40_ms}));
  EXPECT_TRUE(c.peer.timer());
}

TEST(PeerAcknowledges, OneBurstOnceWhenItMergesManySegments) {
  Connected c{plain_policy(45)};
  c.receive(burst_of(kFirstByte, 45 * 1448, 1448));
  EXPECT_EQ(c.acknowledgments(), (Acks{{45 * 1448, 10_us + 4'400_ns + 1_us}}));
}

TEST(PeerAcknowledges, PushedDataAtOnceWhenAsked) {
  PeerConfig config = plain_policy(2);
  config.acknowledge_push = true;
  Connected c{config};
  Burst burst = burst_of(kFirstByte, 3 * 1000, 1000);
  burst.last_flags = tcp_flag::kPush;
  c.receive(burst);
  EXPECT_EQ(c.acknowledgments(), (Acks{{2000, 11'100_ns}, {3000, 11'200_ns}}));
}

TEST(PeerAcknowledges, TheFirstSegmentsOneByOneWhenAsked) {
  PeerConfig config = plain_policy(2);
  config.quick_acks = 3;
  Connected c{config};
  c.receive(burst_of(kFirstByte, 7 * 1000, 1000));
  EXPECT_EQ(c.acknowledgments(),
            (Acks{{1000, 11_us}, {2000, 11'100_ns}, {3000, 11'200_ns}, {5000, 11'400_ns}, {7000, 11'600_ns}}));
}

TEST(PeerReceives, ASegmentAfterAGapIsAnsweredWithWhatIsMissing) {
  Connected c{plain_policy(2)};
  EXPECT_EQ(c.receive(burst_of(kFirstByte + 1000, 2000, 1000)).size(), 0U);
  EXPECT_EQ(c.acknowledgments(), (Acks{{0, 11_us}, {0, 11'100_ns}}));
  EXPECT_EQ(c.receive(burst_of(kFirstByte, 1000, 1000, 20_us)).size(), 1000U);
}

TEST(PeerReceives, WhatCameBeforeIsAnsweredAndNotTakenAgain) {
  Connected c{plain_policy(1)};
  c.receive(burst_of(kFirstByte, 1000, 1000));
  EXPECT_EQ(c.receive(burst_of(kFirstByte, 1000, 1000, 20_us)).size(), 0U);
  EXPECT_EQ(c.acknowledgments(), (Acks{{1000, 11_us}, {1000, 21_us}}));
}

TEST(PeerReceives, OnlyTheNewPartOfAnOverlap) {
  Connected c{plain_policy(1)};
  c.receive(burst_of(kFirstByte, 1500, 1000));
  const Accepted accepted = c.receive(burst_of(kFirstByte, 4000, 1000, 20_us));
  EXPECT_EQ(accepted.begin, 1500U);
  EXPECT_EQ(accepted.end, 4000U);
  EXPECT_EQ(c.acknowledgments().back().upto, 4000U);
}

TEST(PeerReceives, NothingBeyondItsWindow) {
  PeerConfig config = plain_policy(1);
  config.receive_window = 4_KiB;
  Connected c{config};
  EXPECT_EQ(c.receive(burst_of(kFirstByte, 6000, 1000)).size(), 4096U);
  EXPECT_EQ(c.acknowledgments().back().upto, 4096U);
}

TEST(PeerReceives, AProbeIsAnswered) {
  Connected c{plain_policy(1)};
  c.receive(burst_of(kFirstByte - 1, 0, 1));
  EXPECT_EQ(c.acknowledgments(), (Acks{{0, 11_us}}));
}

TEST(PeerCloses, FinIsAcknowledgedWithItsOwnFinAndTheConnectionEndsWithTheLastAcknowledgment) {
  Connected c{plain_policy(2)};
  c.receive(burst_of(kFirstByte, 500, 1000, 10_us, tcp_flag::kAck | tcp_flag::kFin));
  ASSERT_EQ(c.replies.size(), 1U);
  const PacketHeader answer = c.replies[0].burst.header_of(0);
  EXPECT_EQ(answer.flags, tcp_flag::kFin | tcp_flag::kAck);
  EXPECT_EQ(answer.acknowledgment, kFirstByte + 500 + 1);
  EXPECT_TRUE(c.peer.fin_received());
  EXPECT_FALSE(c.peer.closed());
  Burst last = burst_of(kFirstByte + 501, 0, 1, 20_us);
  last.header.acknowledgment = 1'000'002;
  c.receive(last);
  EXPECT_TRUE(c.peer.closed());
}

TEST(PeerCloses, OnReset) {
  Connected c{plain_policy(2)};
  c.receive(burst_of(kFirstByte, 0, 1, 10_us, tcp_flag::kReset));
  EXPECT_TRUE(c.peer.closed());
  EXPECT_TRUE(c.replies.empty());
}

TEST(PeerSends, InSegmentsWithinTheWindowOfTheMachine) {
  Connected c{plain_policy(2)};
  const std::vector<std::byte> bytes(100'000, std::byte{7});
  c.peer.send(bytes, 30_us, c.replies);  // window: 64 KiB = 45 segments and 376 bytes
  ASSERT_EQ(c.replies.size(), 1U);
  EXPECT_EQ(c.replies[0].burst.frames, 45U);
  EXPECT_EQ(c.replies[0].burst.header_of(44).flags, tcp_flag::kAck | tcp_flag::kPush);
  EXPECT_EQ(c.replies[0].burst.header_of(1).sequence, 1'000'001U + 1448U);
  EXPECT_EQ(c.replies[0].first_ready, 31_us);
  Burst acknowledgment = burst_of(kFirstByte, 0, 1, 50_us);
  acknowledgment.header.acknowledgment = 1'000'001 + 45 * 1448;
  c.receive(acknowledgment);
  ASSERT_EQ(c.replies.size(), 2U);
  EXPECT_EQ(c.replies[1].burst.payload_size(), 100'000U - 45 * 1448);
  EXPECT_EQ(c.peer.unsent(), 0U);
}

RC_GTEST_PROP(PeerAcknowledgesProperty, ClosedFormEqualsOneSegmentAtATime, ()) {
  PeerConfig config = plain_policy(*rc::gen::inRange(1U, 8U));
  config.quick_acks = *rc::gen::inRange(0U, 20U);
  config.acknowledge_push = *rc::gen::arbitrary<bool>();
  Connected bulk{config}, single{config};
  std::uint32_t sequence = kFirstByte;
  Picoseconds at = 10_us;
  const int bursts = *rc::gen::inRange(1, 8);
  for (int b = 0; b < bursts; ++b) {
    const Bytes frame = *rc::gen::element<Bytes>(1448, 1448, 1448, 1000, 300);
    const Bytes size = *rc::gen::inRange<Bytes>(1, 30 * frame);
    Burst burst = burst_of(sequence, size, frame, at);
    const bool push = *rc::gen::arbitrary<bool>();
    if (push) burst.last_flags = tcp_flag::kPush;
    RC_ASSERT(bulk.receive(burst).size() == size);
    for (unsigned i = 0; i < burst.frames; ++i) {
      const Bytes begin = i * frame;
      const Bytes n = std::min(frame, size - begin);
      Burst one = burst_of(sequence + static_cast<std::uint32_t>(begin), n, n, burst.arrival_of(i));
      if (push && i + 1 == burst.frames) one.last_flags = tcp_flag::kPush;
      RC_ASSERT(single.receive(one).size() == n);
    }
    sequence += static_cast<std::uint32_t>(size);
    at = burst.last_arrival + 1_us;
  }
  const auto by_run = bulk.acknowledgments();
  const auto by_frame = single.acknowledgments();
  RC_ASSERT(by_run.size() == by_frame.size());
  for (std::size_t i = 0; i < by_run.size(); ++i) {
    RC_ASSERT(by_run[i].upto == by_frame[i].upto);
    RC_ASSERT(by_run[i].ready == by_frame[i].ready);
  }
  RC_ASSERT(bulk.peer.timer() == single.peer.timer());
}

}  // namespace
}  // namespace sluice::nic
