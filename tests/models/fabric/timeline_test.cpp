// SPDX-License-Identifier: Apache-2.0
#include "models/fabric/timeline.h"

#include <gtest/gtest.h>

namespace sluice::fabric {
namespace {

TEST(Timeline, AnIdleResourceServesAtOnce) {
  Timeline timeline;
  const auto slot = timeline.reserve(100_ns, 20_ns);
  EXPECT_EQ(slot.begin, 100_ns);
  EXPECT_EQ(slot.end, 120_ns);
}

TEST(Timeline, ABusyResourceServesInTheOrderOfTheCalls) {
  Timeline timeline;
  (void)timeline.reserve(0_ns, 50_ns);
  const auto slot = timeline.reserve(10_ns, 5_ns);
  EXPECT_EQ(slot.begin, 50_ns);
  EXPECT_EQ(slot.end, 55_ns);
}

TEST(Timeline, TimeThatNobodyUsedIsGone) {
  Timeline timeline;
  (void)timeline.reserve(100_ns, 10_ns);
  EXPECT_EQ(timeline.reserve(0_ns, 10_ns).begin, 110_ns);
}

TEST(Timeline, BusyTimeCountsOnlyWhatHasPassed) {
  Timeline timeline;
  (void)timeline.reserve(0_ns, 10_ns);
  (void)timeline.reserve(100_ns, 40_ns);
  EXPECT_EQ(timeline.busy_until(120_ns), 30_ns);
  EXPECT_EQ(timeline.busy_until(500_ns), 50_ns);
}

}  // namespace
}  // namespace sluice::fabric
