// SPDX-License-Identifier: Apache-2.0
#include "models/fabric/coalescing_logic.h"

#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sluice::fabric {
namespace {

TEST(Coalescing, NothingIsDueWithoutEvents) { EXPECT_FALSE(Coalescing(4, 10_us).due()); }

TEST(Coalescing, TimeCountsFromTheFirstEvent) {
  Coalescing coalescing{4, 10_us};
  coalescing.add(1_us);
  coalescing.add(5_us);
  EXPECT_EQ(coalescing.due(), 11_us);
}

TEST(Coalescing, TheLastAllowedEventIsDueAtOnce) {
  Coalescing coalescing{4, 10_us};
  for (const Picoseconds at : {1_us, 2_us, 3_us, 4_us}) coalescing.add(at);
  EXPECT_EQ(coalescing.due(), 4_us);
}

TEST(Coalescing, AnEventDatedAheadIsDueAtItsOwnInstant) {
  Coalescing coalescing{1, 0_ps};
  coalescing.add(30_ns);
  coalescing.add(40_ns);
  EXPECT_EQ(coalescing.due(), 30_ns);
  coalescing.told(30_ns);
  EXPECT_EQ(coalescing.due(), 40_ns) << "the second could not be seen yet";
  coalescing.told(40_ns);
  EXPECT_FALSE(coalescing.due());
}

TEST(Coalescing, WhatHasBeenToldStartsAnew) {
  Coalescing coalescing{2, 10_us};
  coalescing.add(1_us);
  coalescing.told(1_us);
  EXPECT_FALSE(coalescing.due());
  coalescing.add(7_us);
  EXPECT_EQ(coalescing.due(), 17_us);
}

RC_GTEST_PROP(CoalescingProperty, IsDueAtTheLastAllowedEventOrAfterTheTime, ()) {
  const auto most = *rc::gen::inRange(1U, 20U);
  const Picoseconds time{*rc::gen::inRange<std::int64_t>(0, 2000)};
  Coalescing coalescing{most, time};
  std::vector<Picoseconds> events;
  Picoseconds at;
  const int count = *rc::gen::inRange(1, 60);
  for (int i = 0; i < count; ++i) {
    at += Picoseconds{*rc::gen::inRange<std::int64_t>(0, 500)};
    coalescing.add(at);
    events.push_back(at);
  }
  Picoseconds by_hand = events.front() + time;
  if (events.size() >= most) by_hand = std::min(by_hand, events[most - 1]);
  RC_ASSERT(*coalescing.due() == by_hand);
}

TEST(InterruptCause, UnmaskedSendsAtOnceAndKeepsNothing) {
  InterruptCause cause;
  EXPECT_TRUE(cause.raise());
  EXPECT_FALSE(cause.pending());
}

TEST(InterruptCause, MaskedStaysPendingAndFiresOnceWhenUnmasked) {
  InterruptCause cause;
  EXPECT_FALSE(cause.set_masked(true));
  EXPECT_FALSE(cause.raise());
  EXPECT_FALSE(cause.raise());
  EXPECT_TRUE(cause.pending());
  EXPECT_FALSE(cause.set_masked(true));
  EXPECT_TRUE(cause.set_masked(false));
  EXPECT_FALSE(cause.set_masked(false));
}

TEST(InterruptCause, ClearingTakesThePendingCauseBack) {
  InterruptCause cause;
  cause.set_masked(true);
  (void)cause.raise();
  cause.clear();
  EXPECT_FALSE(cause.set_masked(false));
}

}  // namespace
}  // namespace sluice::fabric
