// SPDX-License-Identifier: Apache-2.0
#include "models/fabric/first_fit_timeline.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::fabric {
namespace {

TEST(FirstFitTimeline, SlotsNeverOverlapAndGapsAreUsed) {
  FirstFitTimeline timeline;
  EXPECT_EQ(timeline.reserve(100_ns, 10_ns).begin, 100_ns);
  EXPECT_EQ(timeline.reserve(0_ps, 10_ns).begin, 0_ps);
  EXPECT_EQ(timeline.reserve(5_ns, 90_ns).begin, 10_ns) << "just fits";
  EXPECT_EQ(timeline.reserve(0_ps, 1_ns).begin, 110_ns);

  std::mt19937 random{3};
  FirstFitTimeline crowded;
  std::vector<FirstFitTimeline::Slot> slots;
  Picoseconds sum;
  for (int i = 0; i < 500; ++i) {
    const Picoseconds earliest{static_cast<std::int64_t>(random() % 10'000)};
    const Picoseconds duration{static_cast<std::int64_t>(1 + random() % 30)};
    const auto slot = crowded.reserve(earliest, duration);
    ASSERT_GE(slot.begin, earliest);
    ASSERT_EQ(slot.end - slot.begin, duration);
    for (const auto& other : slots) ASSERT_TRUE(slot.end <= other.begin || other.end <= slot.begin);
    slots.push_back(slot);
    sum += duration;
  }
  EXPECT_EQ(crowded.busy_until(1_ms), sum);
}

}  // namespace
}  // namespace sluice::fabric
