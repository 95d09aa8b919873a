// SPDX-License-Identifier: Apache-2.0
#include "tools/crosscheck/native_results.h"

#include <gtest/gtest.h>

namespace sluice::tests {
namespace {

using crosscheck::NativeRun;

constexpr std::int64_t kOwn = 1000;
constexpr std::int64_t kShared = 1500;

NativeRun run_of(std::int64_t cpu_ns, std::vector<std::int64_t> probes, double longer) {
  native::TransferSample sample;
  sample.elapsed_ns = 2 * cpu_ns;
  sample.sender.cpu_ns = cpu_ns;
  sample.probes_ns = std::move(probes);
  NativeRun run;
  run.samples = {sample};
  run.sharing = {.own_probe_ns = kOwn, .longer = longer};
  return run;
}

TEST(SharedCore, TheShareOfATransferThatWasOnItCountsLess) {
  NativeRun run = run_of(1250, {kOwn, kShared, kShared, kOwn}, 1.5);
  crosscheck::settle_sharing(run);
  EXPECT_EQ(run.samples[0].cpu_ns(), 1000);
  EXPECT_EQ(run.samples[0].elapsed_ns, 2000);
  results::RunResult result;
  crosscheck::add_measured(result, run);
  EXPECT_DOUBLE_EQ(result.repetitions->on_shared_core.value(), 0.5);
}

TEST(SharedCore, OnACoreOfOnesOwnTimesStayAsTheyAre) {
  NativeRun run = run_of(1250, {kOwn, kOwn}, 1.5);
  crosscheck::settle_sharing(run);
  EXPECT_EQ(run.samples[0].cpu_ns(), 1250);
}

TEST(SharedCore, WithoutACalibrationOrAProbeTooTheyStayAsTheyAre) {
  NativeRun uncalibrated = run_of(1250, {kShared}, 1);
  crosscheck::settle_sharing(uncalibrated);
  EXPECT_EQ(uncalibrated.samples[0].cpu_ns(), 1250);
  NativeRun without_probe = run_of(1250, {}, 1.5);
  crosscheck::settle_sharing(without_probe);
  EXPECT_EQ(without_probe.samples[0].cpu_ns(), 1250);
}

}  // namespace
}  // namespace sluice::tests
