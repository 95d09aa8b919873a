// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/delayed_ack.h"

#include <gtest/gtest.h>

namespace sluice::net {
namespace {

constexpr Bytes kWindow = 65'535;
constexpr Bytes kSegment = 1'448;
constexpr Picoseconds kTimeOut = 201_ms;

struct Receiver : DelayedAck {
  Receiver() : DelayedAck(16, 40_ms) { connected(Picoseconds{}); }
  void get(Picoseconds now, WriteEnd end = WriteEnd::Small) { received(end, now, kWindow, kSegment, kTimeOut); }
};

TEST(DelayedAck, TheFirstSegmentsAreAcknowledgedAtOnceAndTheWindowBoundsThem) {
  Receiver many;
  Receiver few;
  for (unsigned i = 0; i < 16; ++i) {
    many.get(1_ms * i);
    EXPECT_TRUE(many.at_once()) << i;
    many.sent();
  }
  EXPECT_FALSE(many.at_once());
  few.received(WriteEnd::None, 1_ms, kWindow, kWindow, kTimeOut);
  few.sent();
  few.get(2_ms);
  EXPECT_TRUE(few.at_once()) << "never less than two";
  few.sent();
  EXPECT_FALSE(few.at_once());
}

TEST(DelayedAck, OnlyPacketsThatAcknowledgeSomethingUseUpQuickOnes) {
  Receiver receiver;
  receiver.get(1_ms);
  for (unsigned i = 0; i < 20; ++i) receiver.sent();
  receiver.get(2_ms);
  EXPECT_TRUE(receiver.at_once());
}

TEST(DelayedAck, AnAnswerWithinTheDelayMakesItInteractive) {
  Receiver prompt;
  prompt.get(10_ms);
  prompt.sent_data(49_ms);
  EXPECT_TRUE(prompt.interactive());
  EXPECT_FALSE(prompt.at_once());
  Receiver late;
  late.get(10_ms);
  late.sent_data(50_ms);
  EXPECT_FALSE(late.interactive());
}

TEST(DelayedAck, AReaderOfAnInteractiveConnectionAcknowledgesOnlyTwoSmallWrites) {
  Receiver receiver;
  receiver.get(1_ms);
  EXPECT_TRUE(receiver.reader_acknowledges());
  receiver.sent_data(2_ms);
  EXPECT_FALSE(receiver.reader_acknowledges());
  receiver.get(3_ms);
  EXPECT_TRUE(receiver.reader_acknowledges());
}

TEST(DelayedAck, ADelayThatRanOutEndsInteractionOrElseLengthens) {
  Receiver receiver;
  receiver.get(1_ms);
  receiver.set_interactive(true);
  EXPECT_TRUE(receiver.timed_out(kTimeOut));
  EXPECT_FALSE(receiver.interactive());
  EXPECT_EQ(receiver.delay(Picoseconds{}), 40_ms);
  EXPECT_TRUE(receiver.timed_out(kTimeOut));
  EXPECT_EQ(receiver.delay(Picoseconds{}), 80_ms);
  EXPECT_EQ(receiver.delay(50_ms), 50_ms) << "a round trip bounds it";
  EXPECT_EQ(receiver.delay(1_us), 40_ms) << "but not below the least";
  receiver.sent();
  EXPECT_FALSE(receiver.timed_out(kTimeOut)) << "nothing to acknowledge";
}

TEST(DelayedAck, APacketOutOfOrderMakesItHurry) {
  Receiver receiver;
  receiver.get(1_ms);
  receiver.set_interactive(true);
  receiver.received_out_of_order(kWindow, kSegment);
  EXPECT_TRUE(receiver.at_once());
}

}  // namespace
}  // namespace sluice::net
