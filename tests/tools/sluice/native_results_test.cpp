// SPDX-License-Identifier: Apache-2.0
#include "tools/sluice/native_results.h"

#include <gtest/gtest.h>

namespace sluice::tests {
namespace {

using tool::NativeRun;

constexpr std::int64_t kOwn = 1000;
constexpr std::int64_t kShared = 1500;

native::TransferSample sample(std::int64_t cpu_ns, std::int64_t probe_before, std::int64_t probe_after) {
  native::TransferSample sample;
  sample.elapsed_ns = cpu_ns;
  sample.sender.cpu_ns = cpu_ns;
  sample.probe_before_ns = probe_before;
  sample.probe_after_ns = probe_after;
  return sample;
}

NativeRun run_of(std::vector<native::TransferSample> samples) {
  NativeRun run;
  run.samples = std::move(samples);
  run.sharing = {.own_probe_ns = kOwn, .longer = 1.5};
  return run;
}

std::vector<std::int64_t> cpu_times(const NativeRun& run) {
  std::vector<std::int64_t> times;
  for (const auto& sample : run.samples) times.push_back(sample.cpu_ns());
  return times;
}

TEST(SharedCore, TransfersOnACoreOfOnesOwnCountAlone) {
  NativeRun run = run_of({sample(90, kShared, kShared), sample(61, kOwn, kOwn), sample(75, kOwn, kShared),
                          sample(60, kOwn, kOwn), sample(62, kOwn, kOwn)});
  EXPECT_EQ(tool::on_own_core(run), 3U);
  tool::settle_sharing(run);
  EXPECT_EQ(cpu_times(run), (std::vector<std::int64_t>{61, 60, 62}));
}

TEST(SharedCore, WithTooFewOfThemSharedOnesCountLess) {
  NativeRun run = run_of({sample(90, kShared, kShared), sample(61, kOwn, kOwn), sample(75, kOwn, kShared)});
  tool::settle_sharing(run);
  EXPECT_EQ(cpu_times(run), (std::vector<std::int64_t>{60, 61}));
  EXPECT_EQ(run.samples.front().elapsed_ns, 60);
}

TEST(SharedCore, ATransferThatMetBothIsTakenOnlyWhenThereIsNoOther) {
  NativeRun run = run_of({sample(75, kOwn, kShared), sample(80, kShared, kOwn)});
  tool::settle_sharing(run);
  EXPECT_EQ(cpu_times(run), (std::vector<std::int64_t>{75, 80}));
}

TEST(SharedCore, WithoutACalibrationEverythingCountsAsItIs) {
  NativeRun run = run_of({sample(90, kShared, kShared), sample(61, kOwn, kOwn), sample(75, kOwn, kShared)});
  run.sharing.longer = 1;
  tool::settle_sharing(run);
  EXPECT_EQ(cpu_times(run), (std::vector<std::int64_t>{90, 61, 75}));
}

}  // namespace
}  // namespace sluice::tests
