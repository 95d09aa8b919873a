// SPDX-License-Identifier: Apache-2.0
#include "models/irq/pending_logic.h"

#include <gtest/gtest.h>

namespace sluice::irq {
namespace {

TEST(PendingVectors, APendingVectorIsNotQueuedTwice) {
  PendingVectors vectors{1};
  EXPECT_TRUE(vectors.arrive(5));
  EXPECT_FALSE(vectors.arrive(5));
  vectors.acknowledge(5);
  EXPECT_TRUE(vectors.arrive(5));
  EXPECT_EQ(vectors.statistics(5).messages, 3U);
  EXPECT_EQ(vectors.statistics(5).coalesced, 1U);
  EXPECT_EQ(vectors.statistics(5).accepted, 1U);
}

TEST(PendingVectors, VectorsArePendingOnTheirOwn) {
  PendingVectors vectors{1};
  EXPECT_TRUE(vectors.arrive(5));
  EXPECT_TRUE(vectors.arrive(6));
  vectors.acknowledge(5);
  EXPECT_FALSE(vectors.is_pending(5));
  EXPECT_TRUE(vectors.is_pending(6));
}

TEST(PendingVectors, AcknowledgingWhatIsNotPendingDoesNothing) {
  PendingVectors vectors{1};
  vectors.acknowledge(5);
  EXPECT_EQ(vectors.statistics(5).accepted, 0U);
}

TEST(PendingVectors, AMaskedCoreIsToldInTheOrderOfTheVectorsWhenItIsEnabled) {
  PendingVectors vectors{1};
  vectors.set_enabled(0, false);
  EXPECT_FALSE(vectors.arrive(9));
  EXPECT_FALSE(vectors.arrive(4));
  EXPECT_EQ(vectors.next_unannounced(), std::nullopt);
  vectors.set_enabled(0, true);
  EXPECT_EQ(vectors.next_unannounced(), 4U);
  EXPECT_EQ(vectors.next_unannounced(), 9U);
  EXPECT_EQ(vectors.next_unannounced(), std::nullopt);
}

TEST(PendingVectors, MaskingACoreLeavesOthersAlone) {
  PendingVectors vectors{2};
  vectors.route(7, 1);
  vectors.set_enabled(0, false);
  EXPECT_TRUE(vectors.arrive(7));
  EXPECT_FALSE(vectors.arrive(6));
}

TEST(PendingVectors, ARouteMovesWhatWaitsButNotWhatWasAnnounced) {
  PendingVectors vectors{2};
  EXPECT_TRUE(vectors.arrive(3));
  vectors.set_enabled(0, false);
  EXPECT_FALSE(vectors.arrive(4));
  vectors.route(3, 1);
  vectors.route(4, 1);
  EXPECT_EQ(vectors.next_unannounced(), 4U);
  EXPECT_EQ(vectors.next_unannounced(), std::nullopt);
}

}  // namespace
}  // namespace sluice::irq
