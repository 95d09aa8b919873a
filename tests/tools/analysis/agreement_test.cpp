// SPDX-License-Identifier: Apache-2.0
#include "tools/analysis/agreement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::tests {
namespace {

using analysis::Cell;
using analysis::kendall_tau;
using analysis::summarise_errors;

Cell cell(double predicted, double measured, double spread = 0.01, std::size_t point = 0) {
  return {"a", point, predicted, measured, spread};
}

TEST(Agreement, TheErrorIsRelativeToWhatWasMeasured) {
  EXPECT_DOUBLE_EQ(cell(150, 100).error_percent(), 50);
  EXPECT_DOUBLE_EQ(cell(100, 200).error_percent(), -50);
}

TEST(Agreement, MapeIsTheMeanOfAbsoluteErrors) {
  // +10 %, -20 %, 0 %
  const std::vector<Cell> cells{cell(110, 100), cell(40, 50), cell(7, 7)};
  EXPECT_DOUBLE_EQ(summarise_errors(cells).mape_percent, 10);
  EXPECT_EQ(summarise_errors(cells).worst, 1U);
}

TEST(Agreement, AnUnsteadyCellCountsForTheMeanAndNotForTheWorst) {
  const std::vector<Cell> cells{cell(110, 100), cell(10, 100, 0.06), cell(100, 100, 0.05)};
  const auto summary = summarise_errors(cells);
  EXPECT_NEAR(summary.mape_percent, 100.0 / 3, 1e-9);
  EXPECT_EQ(summary.worst, 0U);
  EXPECT_THAT(summary.unsteady, testing::ElementsAre(1U));
}

TEST(Agreement, WithoutASteadyCellThereIsNoWorst) {
  const std::vector<Cell> cells{cell(110, 100, 0.5)};
  EXPECT_FALSE(summarise_errors(cells).worst.has_value());
}

TEST(KendallTau, IsOneInTheSameOrderAndMinusOneInTheOpposite) {
  EXPECT_EQ(kendall_tau(std::vector<Cell>{cell(1, 10), cell(2, 20), cell(3, 30)}), 1.0);
  EXPECT_EQ(kendall_tau(std::vector<Cell>{cell(3, 10), cell(2, 20), cell(1, 30)}), -1.0);
}

TEST(KendallTau, CountsPairs) {
  // measured 10 20 30 40, predicted 1 3 2 4: five of six pairs agree, (5 - 1) / 6
  const std::vector<Cell> cells{cell(1, 10), cell(3, 20), cell(2, 30), cell(4, 40)};
  EXPECT_DOUBLE_EQ(*kendall_tau(cells), 4.0 / 6);
}

TEST(KendallTau, ComparesWithinOnePointOnly) {
  const std::vector<Cell> cells{cell(9, 10, 0, 0), cell(1, 20, 0, 1)};
  EXPECT_FALSE(kendall_tau(cells).has_value());
}

TEST(KendallTau, LeavesOutPairsThatTheSpreadCouldTurnRound) {
  // 100 and 104 differ by less than 5 % of 100
  const std::vector<Cell> cells{cell(2, 100, 0.05), cell(1, 104, 0.01), cell(3, 200, 0.01)};
  EXPECT_EQ(kendall_tau(cells), 1.0);
}

TEST(KendallTau, AnEqualPredictionIsNeitherRightNorWrong) {
  EXPECT_EQ(kendall_tau(std::vector<Cell>{cell(1, 10), cell(1, 20)}), 0.0);
}

}  // namespace
}  // namespace sluice::tests
