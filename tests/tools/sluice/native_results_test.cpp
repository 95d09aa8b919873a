// SPDX-License-Identifier: Apache-2.0
#include "tools/crosscheck/native_results.h"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>

namespace sluice::tests {
namespace {

using crosscheck::NativeRun;

constexpr double kClock = 2.1e9;
constexpr native::CoreProbe kOwn{1000, 1000};     // at this clock
constexpr native::CoreProbe kShared{1000, 1500};  // and with something else on the core
constexpr native::CoreProbe kSlower{1250, 1250};  // on a core of one's own at four fifths of it

native::TransferSample sample_of(std::int64_t cpu_ns, std::vector<native::CoreProbe> probes) {
  native::TransferSample sample;
  sample.elapsed_ns = cpu_ns + 1000;  // for the rest it waits
  sample.sender.cpu_ns = cpu_ns;
  sample.probes.all = std::move(probes);
  return sample;
}

NativeRun run_of(std::vector<native::TransferSample> samples, double longer = 1.5) {
  NativeRun run;
  run.samples = std::move(samples);
  run.core = {.own_ratio = 1, .clock = kClock, .longer = longer};
  return run;
}

TEST(ReferenceCore, TheShareOfATransferThatWasOnASharedOneCountsLess) {
  NativeRun run = run_of({sample_of(1250, {kOwn, kShared, kShared, kOwn})});
  crosscheck::settle(run, 1);
  EXPECT_EQ(run.samples[0].cpu_ns(), 1000);
  EXPECT_EQ(run.samples[0].elapsed_ns, 2000);
  results::RunResult result;
  crosscheck::add_measured(result, run);
  EXPECT_DOUBLE_EQ(result.repetitions->on_shared_core.value(), 0.5);
}

TEST(ReferenceCore, TimesAreThoseOfItsClock) {
  NativeRun run = run_of({sample_of(1250, {kSlower, kSlower}), sample_of(1000, {kOwn})});
  crosscheck::settle(run, 1);
  EXPECT_EQ(run.samples[0].cpu_ns(), 1000);
  EXPECT_EQ(run.samples[0].elapsed_ns, 2000);
  EXPECT_EQ(run.samples[1].cpu_ns(), 1000);
}

TEST(ReferenceCore, WithEnoughUndisturbedTransfersTheOthersCountForNothing) {
  NativeRun run = run_of({sample_of(9000, {kShared}), sample_of(1000, {kOwn}), sample_of(1010, {kOwn})});
  crosscheck::settle(run, 2);
  results::RunResult result;
  crosscheck::add_measured(result, run);
  EXPECT_EQ(result.repetitions->count, 2U);
  EXPECT_EQ(result.repetitions->set_aside, 1U);
  EXPECT_EQ(result.time->cpu_ns, 1005);
}

TEST(ReferenceCore, TransfersThatDifferInTheirSharesTellWhatSharingCosts) {
  NativeRun run = run_of({sample_of(1800, {kShared}), sample_of(1400, {kOwn, kShared}), sample_of(1000, {kOwn})}, 1.1);
  crosscheck::settle(run, 2);
  for (const native::TransferSample& sample : run.samples) EXPECT_EQ(sample.cpu_ns(), 1000);
}

/// Windows of 100 ns, of which each does so much.
native::TransferSample sample_with_windows(std::int64_t cpu_ns,
                                           std::vector<std::pair<native::CoreProbe, double>> done) {
  native::TransferSample sample = sample_of(cpu_ns, {kShared});
  for (const auto& [probe, work] : done) {
    for (int i = 0; i < 10; ++i) sample.probes.windows.push_back({1000, 1100, work, probe, probe});
  }
  return sample;
}

TEST(ReferenceCore, WindowsOfATransferThatWereOnASharedOneCountLess) {
  // 8 bytes in 100 ns on a core of its own, half of it on a shared one, four fifths at four fifths of the clock.
  NativeRun run = run_of({sample_with_windows(3000, {{kOwn, 8}, {kShared, 4}, {kShared, 4}}),
                          sample_with_windows(2500, {{kSlower, 6.4}, {kSlower, 6.4}})},
                         1.1);
  crosscheck::settle(run, 2);
  ASSERT_EQ(run.samples.size(), 2U);
  for (const native::TransferSample& sample : run.samples) EXPECT_EQ(sample.cpu_ns(), 2000);
}

TEST(ReferenceCore, WindowsThatWereAllSharedCountLessByTheCalibration) {
  NativeRun run = run_of({sample_with_windows(3000, {{kShared, 4}})}, 1.5);
  crosscheck::settle(run, 1);
  EXPECT_EQ(run.samples.at(0).cpu_ns(), 2000);
}

TEST(ReferenceCore, ATransferThatSeldomHadACoreOfItsOwnIsSetAside) {
  NativeRun run = run_of({sample_with_windows(3000, {{kShared, 4}}), sample_with_windows(2000, {{kOwn, 8}})});
  crosscheck::settle(run, 1);
  EXPECT_EQ(run.samples.size(), 1U);
  EXPECT_EQ(run.set_aside.size(), 1U);
}

TEST(RepeatedRounds, FurtherOnesRepeatWhatWasDisturbedForAsLongAgain) {
  using Samples = std::vector<native::TransferSample>;
  const Samples disturbed{sample_of(1, {kShared}), sample_of(1, {kOwn}), sample_of(1, {kShared})};
  const Samples undisturbed{sample_of(1, {kOwn}), sample_of(1, {kShared}), sample_of(1, {kOwn})};
  const crosscheck::ReferenceCore core{.own_ratio = 1, .clock = kClock};
  crosscheck::RepeatedRounds rounds{1, 3};
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(rounds.next());
    EXPECT_EQ(rounds.warms_up(), i == 0);
    EXPECT_TRUE(rounds.repeats(undisturbed, core)) << "planned";
  }
  std::this_thread::sleep_for(std::chrono::milliseconds{200});
  ASSERT_TRUE(rounds.next());
  EXPECT_FALSE(rounds.is_planned());
  EXPECT_TRUE(rounds.repeats(disturbed, core));
  EXPECT_FALSE(rounds.repeats(undisturbed, core));
  EXPECT_FALSE(rounds.repeats(disturbed, {.own_ratio = 1})) << "without a calibration";
  std::this_thread::sleep_for(std::chrono::milliseconds{300});
  EXPECT_FALSE(rounds.next());
}

TEST(ReferenceCore, WithoutACalibrationOrAProbeTimesStayAsTheyAre) {
  NativeRun uncalibrated = run_of({sample_of(1250, {kShared, kSlower})});
  uncalibrated.core = {.own_ratio = 1};
  crosscheck::settle(uncalibrated, 1);
  EXPECT_EQ(uncalibrated.samples[0].cpu_ns(), 1250);
  NativeRun without_probe = run_of({sample_of(1250, {})});
  crosscheck::settle(without_probe, 1);
  EXPECT_EQ(without_probe.samples[0].cpu_ns(), 1250);
}

}  // namespace
}  // namespace sluice::tests
