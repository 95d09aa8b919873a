// SPDX-License-Identifier: Apache-2.0
#include "models/nic/coalescing_logic.h"

#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sluice::nic {
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

TEST(Coalescing, ARunDatedAheadIsDueAtItsOwnEvent) {
  Coalescing coalescing{4, 10_us};
  coalescing.add(1_us);
  coalescing.add(2_us, 1_us, 20);  // 2, 3, 4, ...: the fourth event comes at 4 us
  EXPECT_EQ(coalescing.due(), 4_us);
}

TEST(Coalescing, ClearStartsAnew) {
  Coalescing coalescing{2, 10_us};
  coalescing.add(1_us);
  coalescing.clear();
  EXPECT_FALSE(coalescing.due());
  coalescing.add(7_us);
  EXPECT_EQ(coalescing.due(), 17_us);
}

RC_GTEST_PROP(CoalescingProperty, RunsAreDueWhenTheirEventsOneByOneAre, ()) {
  const auto frames = *rc::gen::inRange(1U, 20U);
  const Picoseconds time{*rc::gen::inRange<std::int64_t>(0, 2000)};
  Coalescing by_run{frames, time}, one_by_one{frames, time};
  std::optional<Picoseconds> expected;
  std::vector<Picoseconds> events;
  Picoseconds at;
  const int runs = *rc::gen::inRange(1, 6);
  for (int run = 0; run < runs; ++run) {
    at += Picoseconds{*rc::gen::inRange<std::int64_t>(0, 500)};
    const Picoseconds interval{*rc::gen::inRange<std::int64_t>(0, 200)};
    const auto count = *rc::gen::inRange(1U, 30U);
    by_run.add(at, interval, count);
    for (unsigned i = 0; i < count; ++i) {
      one_by_one.add(at + interval * i);
      events.push_back(at + interval * i);
    }
    at += interval * (count - 1);
  }
  RC_ASSERT(by_run.due() == one_by_one.due());
  Picoseconds by_hand = events.front() + time;
  if (events.size() >= frames) by_hand = std::min(by_hand, events[frames - 1]);
  RC_ASSERT(*by_run.due() == by_hand);
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
}  // namespace sluice::nic
