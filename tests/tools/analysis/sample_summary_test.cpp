// SPDX-License-Identifier: Apache-2.0
#include "tools/analysis/sample_summary.h"

#include <array>

#include <gtest/gtest.h>

namespace sluice::tests {
namespace {

using analysis::summarise;

TEST(SampleSummary, OfFiveTheQuartilesAreTheSecondAndTheFourth) {
  const auto found = summarise(std::array{30.0, 10.0, 1000.0, 20.0, 40.0});
  EXPECT_DOUBLE_EQ(found.minimum, 10);
  EXPECT_DOUBLE_EQ(found.median, 30);
  EXPECT_DOUBLE_EQ(found.maximum, 1000);
  EXPECT_DOUBLE_EQ(found.spread, (40.0 - 20.0) / 30.0);
}

TEST(SampleSummary, BetweenTwoValuesIsInterpolated) {
  // 1 2 3 4: quartiles 1.75 and 3.25, median 2.5
  const auto found = summarise(std::array{4.0, 3.0, 2.0, 1.0});
  EXPECT_DOUBLE_EQ(found.median, 2.5);
  EXPECT_DOUBLE_EQ(found.spread, 1.5 / 2.5);
}

TEST(SampleSummary, OneValueHasNoSpread) {
  const auto found = summarise(std::array{7.0});
  EXPECT_DOUBLE_EQ(found.median, 7);
  EXPECT_DOUBLE_EQ(found.spread, 0);
}

TEST(SampleSummary, ZerosHaveNoSpread) { EXPECT_DOUBLE_EQ(summarise(std::array{0.0, 0.0}).spread, 0); }

}  // namespace
}  // namespace sluice::tests
