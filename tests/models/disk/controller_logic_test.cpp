// SPDX-License-Identifier: Apache-2.0
// Rings, buffer room and interrupt moderation of the controller.
#include <gtest/gtest.h>

#include "models/disk/buffer_logic.h"
#include "models/disk/disk_config.h"
#include "models/disk/interrupt_logic.h"
#include "models/disk/ring_logic.h"

namespace sluice::disk {
namespace {

TEST(SubmissionRing, WrapsAround) {
  SubmissionRing ring;
  ring.reset(4);
  EXPECT_EQ(ring.waiting(), 0U);
  EXPECT_TRUE(ring.set_tail(3));
  EXPECT_EQ(ring.waiting(), 3U);
  ring.take(3);
  EXPECT_TRUE(ring.set_tail(2));
  EXPECT_EQ(ring.waiting(), 3U);
  EXPECT_EQ(ring.waiting_in_a_row(), 1U) << "one read does not run past the end";
  ring.take(1);
  EXPECT_EQ(ring.head(), 0U);
  EXPECT_EQ(ring.waiting_in_a_row(), 2U);
  EXPECT_FALSE(ring.set_tail(4));
  EXPECT_EQ(ring.tail(), 2U);
}

TEST(CompletionRing, PhaseFlipsWithEachPass) {
  CompletionRing ring;
  ring.reset(2);
  EXPECT_EQ(ring.phase(), 1);
  ring.put();
  EXPECT_TRUE(ring.full());
  EXPECT_TRUE(ring.set_head(1));
  EXPECT_FALSE(ring.full());
  EXPECT_EQ(ring.phase(), 1);
  ring.put();
  EXPECT_EQ(ring.phase(), 0);
  EXPECT_FALSE(ring.set_head(2));
}

TEST(RingSize, IsAPowerOfTwoFrom2To4096) {
  for (const unsigned good : {2U, 4U, 256U, 4096U}) EXPECT_TRUE(is_ring_size(good)) << good;
  for (const unsigned bad : {0U, 1U, 3U, 100U, 8192U}) EXPECT_FALSE(is_ring_size(bad)) << bad;
}

TEST(TransferBuffer, RoomComesBackAtItsInstant) {
  TransferBuffer buffer{100};
  EXPECT_EQ(buffer.take(60, 0_ps), 0_ps);
  EXPECT_EQ(buffer.take(60, 0_ps), std::nullopt) << "nobody knows yet when";
  buffer.give_back(60, 50_ns);
  EXPECT_EQ(buffer.take(60, 10_ns), 50_ns);
  EXPECT_EQ(buffer.take(40, 10_ns), 50_ns);
  EXPECT_EQ(buffer.take(1, 10_ns), std::nullopt);
}

TEST(TransferBuffer, ThePartNotTakenIsStillComing) {
  TransferBuffer buffer{100};
  EXPECT_EQ(buffer.take(100, 0_ps), 0_ps);
  buffer.give_back(60, 50_ns);
  buffer.give_back(40, 20_ns);
  EXPECT_EQ(buffer.take(30, 0_ps), 20_ns);
  EXPECT_EQ(buffer.take(10, 0_ps), 20_ns);
  EXPECT_EQ(buffer.take(10, 0_ps), 50_ns);
  EXPECT_EQ(buffer.take(50, 60_ns), 60_ns);
}

TEST(InterruptCoalescing, OffMeansOnePerCompletionWhenItIsVisible) {
  InterruptCoalescing interrupt{1, 0_ps};
  EXPECT_EQ(interrupt.due(), std::nullopt);
  interrupt.completed(30_ns);
  interrupt.completed(40_ns);
  EXPECT_EQ(interrupt.due(), 30_ns);
  interrupt.sent(30_ns);
  EXPECT_EQ(interrupt.due(), 40_ns) << "the second was not visible yet";
  interrupt.sent(40_ns);
  EXPECT_EQ(interrupt.due(), std::nullopt);
}

TEST(InterruptCoalescing, AfterSoManyOrSoLong) {
  InterruptCoalescing interrupt{3, 100_ns};
  interrupt.completed(10_ns);
  EXPECT_EQ(interrupt.due(), 110_ns);
  interrupt.completed(20_ns);
  EXPECT_EQ(interrupt.due(), 110_ns);
  interrupt.completed(30_ns);
  EXPECT_EQ(interrupt.due(), 30_ns);
}

TEST(InterruptCoalescing, MaskedCausesStayPending) {
  InterruptCoalescing interrupt{1, 0_ps};
  interrupt.set_masked(true);
  interrupt.completed(10_ns);
  EXPECT_EQ(interrupt.due(), std::nullopt);
  interrupt.set_masked(false);
  EXPECT_EQ(interrupt.due(), 10_ns);
}

TEST(DiskConfig, EveryDefaultIsWithinItsRange) {
  DiskConfig config;
  base::ParameterTable table;
  config.describe(table);
  EXPECT_GT(table.parameters().size(), 20U);
  for (const base::Parameter& parameter : table.parameters()) {
    const auto set = parameter.set(parameter.get());
    EXPECT_TRUE(set) << parameter.name << ": " << set.error();
    EXPECT_FALSE(parameter.help.empty());
    EXPECT_FALSE(parameter.source.empty());
  }
}

}  // namespace
}  // namespace sluice::disk
