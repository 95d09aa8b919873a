// SPDX-License-Identifier: Apache-2.0
#include "models/fabric/gap_timeline.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "models/fabric/timeline.h"

namespace sluice::fabric {
namespace {

TEST(GapTimeline, ServesInOrderCallersAsATimelineDoes) {
  std::mt19937_64 random{7};
  GapTimeline gaps;
  fabric::Timeline timeline;
  Picoseconds now;
  for (unsigned i = 0; i < 20'000; ++i) {
    now += Picoseconds{static_cast<std::int64_t>(random() % 200)};
    const Picoseconds duration{1 + static_cast<std::int64_t>(random() % 180)};
    ASSERT_EQ(gaps.reserve(now, duration), timeline.reserve(now, duration).end) << "request " << i;
  }
  EXPECT_EQ(gaps.busy_until(timeline.free_at()), timeline.busy_until(timeline.free_at()));
}

TEST(GapTimeline, ARequestForNowDoesNotQueueBehindOneThatWasAnnouncedForLater) {
  GapTimeline gaps;
  EXPECT_EQ(gaps.reserve(1000_ps, 100_ps), 1100_ps);
  EXPECT_EQ(gaps.reserve(0_ps, 100_ps), 100_ps);
}

TEST(GapTimeline, ARequestContinuesInTheNextGap) {
  GapTimeline gaps;
  gaps.reserve(10_ps, 10_ps);                   // 10..20
  gaps.reserve(30_ps, 10_ps);                   // 30..40
  EXPECT_EQ(gaps.reserve(5_ps, 20_ps), 45_ps);  // 5..10, 20..30, 40..45
  EXPECT_EQ(gaps.busy_until(45_ps), 40_ps);
  EXPECT_EQ(gaps.busy_until(7_ps), 2_ps);
  EXPECT_EQ(gaps.reserve(5_ps, 1_ps), 46_ps) << "no gap is left";
}

TEST(GapTimeline, AGapIsFilledToItsLastPicosecond) {
  GapTimeline gaps;
  gaps.reserve(10_ps, 10_ps);
  EXPECT_EQ(gaps.reserve(0_ps, 10_ps), 10_ps);
  EXPECT_EQ(gaps.reserve(0_ps, 1_ps), 21_ps);
  EXPECT_EQ(gaps.reserve(15_ps, 0_ps), 15_ps) << "nothing takes no time";
}

/// Against one bit per picosecond.
TEST(GapTimeline, NeverGivesTimeTwice) {
  std::mt19937_64 random{3};
  GapTimeline gaps;
  std::vector<bool> taken(4'000);
  for (unsigned i = 0; i < 150; ++i) {
    const auto earliest = static_cast<std::size_t>(random() % 1'000);
    auto left = static_cast<std::size_t>(1 + random() % 12);
    std::size_t at = earliest;
    const auto end =
        gaps.reserve(Picoseconds{static_cast<std::int64_t>(earliest)}, Picoseconds{static_cast<std::int64_t>(left)});
    for (; left > 0; ++at) {
      if (taken[at]) continue;
      taken[at] = true;
      --left;
    }
    ASSERT_EQ(end, Picoseconds{static_cast<std::int64_t>(at)}) << "request " << i;
  }
}

}  // namespace
}  // namespace sluice::fabric
