// SPDX-License-Identifier: Apache-2.0
#include "tools/crosscheck/bracket.h"

#include <gtest/gtest.h>

namespace sluice::crosscheck {
namespace {

results::RunResult run_of(std::int64_t kernel_ns, std::int64_t elapsed_ns) {
  results::RunResult run;
  run.time = results::Times{.elapsed_ns = elapsed_ns, .cpu_user_ns = 0, .cpu_kernel_ns = kernel_ns};
  return run;
}

TEST(CrosscheckBracket, PredictsTheMeanAndTellsTheDrift) {
  std::vector<results::RunResult> runs{run_of(100, 1000), run_of(200, 1000)};
  const Drift drift = take_mean(runs, {run_of(120, 1100), run_of(200, 900)});
  EXPECT_DOUBLE_EQ(drift.mean_percent, 10);
  EXPECT_DOUBLE_EQ(drift.worst_percent, 20);
  EXPECT_EQ(runs[0].time->cpu_kernel_ns, 110);
  EXPECT_EQ(runs[0].time->elapsed_ns, 1050);
  EXPECT_EQ(runs[1].time->elapsed_ns, 950);
}

TEST(CrosscheckBracket, ARunThatFailedHasNoDrift) {
  std::vector<results::RunResult> runs{run_of(100, 1000), {}};
  const Drift drift = take_mean(runs, {{}, run_of(300, 1000)});
  EXPECT_EQ(drift.mean_percent, 0);
  EXPECT_EQ(runs[0].time->cpu_kernel_ns, 100);
  EXPECT_FALSE(runs[1].time);
}

}  // namespace
}  // namespace sluice::crosscheck
