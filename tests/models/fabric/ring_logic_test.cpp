// SPDX-License-Identifier: Apache-2.0
#include "models/fabric/ring_logic.h"

#include <deque>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sluice::fabric {
namespace {

TEST(RingSize, IsAPowerOfTwoFrom2ToTheMost) {
  for (const std::uint64_t good : {2, 4, 1024, 32768}) EXPECT_TRUE(is_ring_size(good, 32768)) << good;
  for (const std::uint64_t bad : {0, 1, 3, 1000, 65536}) EXPECT_FALSE(is_ring_size(bad, 32768)) << bad;
}

TEST(DescriptorRing, IsEmptyWhenHeadMeetsTailAndFullWithOneEntryLess) {
  DescriptorRing ring{8};
  EXPECT_TRUE(ring.empty());
  ASSERT_TRUE(ring.ring_doorbell(7));
  EXPECT_EQ(ring.unfetched(), 7U);
  EXPECT_TRUE(ring.full());
  ring.fetched(7);
  ring.complete(7);
  EXPECT_TRUE(ring.empty());
}

TEST(DescriptorRing, FetchStopsAtTheEndOfTheRingAndGoesOnAtItsStart) {
  DescriptorRing ring{8};
  ASSERT_TRUE(ring.ring_doorbell(6));
  ring.fetched(6);
  ring.complete(6);
  ASSERT_TRUE(ring.ring_doorbell(3));  // entries 6, 7, 0, 1, 2
  EXPECT_EQ(ring.unfetched(), 5U);
  EXPECT_EQ(ring.next_run(64), 2U);
  ring.fetched(2);
  EXPECT_EQ(ring.fetch_index(), 0U);
  EXPECT_EQ(ring.next_run(2), 2U);
  EXPECT_EQ(ring.next_run(64), 3U);
}

TEST(DescriptorRing, RefusesATailOutsideOrBeforeWhatWasFetched) {
  DescriptorRing ring{8};
  EXPECT_FALSE(ring.ring_doorbell(8));
  ASSERT_TRUE(ring.ring_doorbell(5));
  ring.fetched(5);
  EXPECT_FALSE(ring.ring_doorbell(3));
  EXPECT_EQ(ring.tail(), 5U);
}

TEST(DescriptorRing, WithoutASizeRefusesEveryDoorbell) {
  DescriptorRing ring;
  EXPECT_FALSE(ring.ring_doorbell(0));
  EXPECT_EQ(ring.next_run(64), 0U);
}

RC_GTEST_PROP(DescriptorRingProperty, FetchesEveryPostedEntryOnceAndInOrder, ()) {
  const std::uint32_t size = 1U << *rc::gen::inRange(1, 8);
  DescriptorRing ring{size};
  std::deque<std::uint32_t> posted, outstanding;
  std::uint32_t tail = 0;
  const int steps = *rc::gen::inRange(1, 200);
  for (int step = 0; step < steps; ++step) {
    const auto free = static_cast<std::uint32_t>(size - 1 - posted.size() - outstanding.size());
    const auto post = *rc::gen::inRange<std::uint32_t>(0, free + 1);
    for (std::uint32_t i = 0; i < post; ++i) {
      posted.push_back(tail);
      tail = (tail + 1) % size;
    }
    RC_ASSERT(ring.ring_doorbell(tail));
    RC_ASSERT(ring.unfetched() == posted.size());
    const std::uint32_t run = ring.next_run(*rc::gen::inRange<std::uint32_t>(1, 20));
    for (std::uint32_t i = 0; i < run; ++i) {
      RC_ASSERT(posted.front() == ring.fetch_index() + i);
      outstanding.push_back(posted.front());
      posted.pop_front();
    }
    ring.fetched(run);
    const auto done = *rc::gen::inRange<std::uint32_t>(0, static_cast<std::uint32_t>(outstanding.size()) + 1);
    for (std::uint32_t i = 0; i < done; ++i) outstanding.pop_front();
    ring.complete(done);
    RC_ASSERT(ring.empty() == (posted.empty() && outstanding.empty()));
    if (!outstanding.empty()) RC_ASSERT(ring.head() == outstanding.front());
  }
}

TEST(CompletionRing, PhaseFlipsWithEachPass) {
  CompletionRing ring{2};
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

}  // namespace
}  // namespace sluice::fabric
