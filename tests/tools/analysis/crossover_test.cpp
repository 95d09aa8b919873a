// SPDX-License-Identifier: Apache-2.0
#include "tools/analysis/crossover.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::tests {
namespace {

using analysis::CostPair;
using analysis::crossovers;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Crossover, LiesBetweenTheSizesWhereTheCheaperChanges) {
  // Twice as dear at 4, half as dear at 64: the same in the geometric middle, 16.
  EXPECT_THAT(crossovers(std::vector<CostPair>{{4, 2, 1}, {64, 1, 2}}), ElementsAre(DoubleNear(16, 1e-9)));
}

TEST(Crossover, IsNearerToTheSmallerDifference) {
  // Ratios 8 and 1/2: three quarters of the way from 1 to 16 on the logarithmic scale, 8.
  EXPECT_THAT(crossovers(std::vector<CostPair>{{1, 8, 1}, {16, 1, 2}}), ElementsAre(DoubleNear(8, 1e-9)));
}

TEST(Crossover, ThereMayBeSeveralOrNone) {
  EXPECT_THAT(crossovers(std::vector<CostPair>{{1, 2, 1}, {4, 1, 2}, {16, 2, 1}}),
              ElementsAre(DoubleNear(2, 1e-9), DoubleNear(8, 1e-9)));
  EXPECT_THAT(crossovers(std::vector<CostPair>{{1, 2, 1}, {4, 3, 1}}), IsEmpty());
  EXPECT_THAT(crossovers({}), IsEmpty());
}

TEST(Crossover, EqualCostsLieOnNeitherSide) {
  EXPECT_THAT(crossovers(std::vector<CostPair>{{1, 2, 1}, {4, 1, 1}, {16, 2, 1}}), IsEmpty());
  EXPECT_THAT(crossovers(std::vector<CostPair>{{1, 2, 1}, {4, 1, 1}, {16, 1, 2}}), ElementsAre(DoubleNear(4, 1e-9)));
}

}  // namespace
}  // namespace sluice::tests
