// SPDX-License-Identifier: Apache-2.0
#include "tools/native/calibration/estimators.h"

#include <random>

#include <gtest/gtest.h>

#include "models/base/result.h"
#include "tools/native/calibration/host_bench.h"
#include "tools/native/calibration/working_sets.h"

namespace sluice::calibration {
namespace {

TEST(Estimators, QuantilesAreInterpolated) {
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(quantile({1, 2, 3, 4, 5}, 0.25), 2);
  EXPECT_DOUBLE_EQ(quantile({7}, 0.9), 7);
  EXPECT_DOUBLE_EQ(quantile({}, 0.5), 0);
}

TEST(Estimators, TheLineIsFoundThroughOutliers) {
  std::vector<double> x;
  std::vector<double> y;
  for (int i = 0; i < 20; ++i) {
    x.push_back(i);
    y.push_back(100 + 7.0 * i + (i % 5 == 0 ? 900 : 0));  // a fifth of the points is far too slow
  }
  const Line line = theil_sen(x, y);
  EXPECT_NEAR(line.slope, 7, 0.01);
  EXPECT_NEAR(line.intercept, 100, 0.1);
}

TEST(Estimators, AStaircaseIsCutWhereItsStepsAre) {
  const std::vector<double> y{10, 10.2, 9.9, 10, 15, 15.5, 14.8, 40, 41};
  const std::vector<Step> steps = fit_staircase(y, 3);
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[0].end, 4U);
  EXPECT_EQ(steps[1].end, 7U);
  EXPECT_NEAR(steps[2].height, 40.5, 1e-9);
}

TEST(Estimators, FewPointsGiveFewerSteps) {
  EXPECT_EQ(fit_staircase(std::vector<double>{1, 1, 5}, 4).size(), 2U);
  EXPECT_TRUE(fit_staircase({}, 2).empty());
}

/// A copy on a machine with these caches, with a few per cent of noise and the soft edges of real caches.
std::vector<SweepPoint> sweep(const std::vector<Bytes>& sizes, const std::vector<double>& times, std::mt19937& random) {
  std::uniform_real_distribution<double> noise{0.97, 1.04};
  std::vector<SweepPoint> points;
  for (const Bytes set : working_sets(96_KiB, 208_MiB)) {
    std::size_t level = 0;
    while (level < sizes.size() && set > sizes[level]) ++level;
    points.push_back({set, times[level] * noise(random)});
  }
  return points;
}

TEST(WorkingSets, AreWholeUnitsTwoInAnOctave) {
  EXPECT_EQ(working_sets(96_KiB, 800_KiB), (std::vector<Bytes>{96_KiB, 192_KiB, 288_KiB, 384_KiB, 576_KiB, 768_KiB}));
}

TEST(WorkingSets, TheLastLevelIsFoundWhereCopiesSlowDown) {
  std::mt19937 random{1};
  const std::vector<Bytes> caches{512_KiB, 5_MiB};
  const auto source = sweep(caches, {620, 660, 840}, random);
  const auto destination = sweep(caches, {640, 690, 980}, random);
  const CacheFit fit = fit_last_level(source, destination, 512_KiB);
  EXPECT_GT(fit.last_level_size, 4_MiB);
  EXPECT_LT(fit.last_level_size, 6_MiB);
  for (const Bytes set : fit.in_l2) EXPECT_LE(set, 256_KiB) << set;
  for (const Bytes set : fit.in_last_level) EXPECT_TRUE(set > 512_KiB && set <= 5_MiB) << set;
  for (const Bytes set : fit.in_memory) EXPECT_GT(set, 5_MiB);
}

TEST(Estimators, TheUsualMeanHasWhatDisturbsABitAndNotWhatIsOutOfPlace) {
  EXPECT_DOUBLE_EQ(calibration::usual_mean({100, 140, 100, 1000, 100}), 110);
  EXPECT_DOUBLE_EQ(calibration::usual_mean({}), 0);
}

TEST(WorkingSets, TooFewAreRefused) {
  const std::vector<SweepPoint> few{{4_KiB, 1}, {64_KiB, 2}};
  EXPECT_THROW(fit_last_level(few, few, 512_KiB), base::InputError);
}

std::vector<Sample> batches(double nanoseconds, double ratio, double chain_ns = 1000) {
  return std::vector<Sample>(10, {nanoseconds, chain_ns, ratio});
}

constexpr double kOwn = 1;
constexpr double kShared = 1.6;

TEST(HostBench, TimesAreThoseOfACoreOfOnesOwn) {
  const Rounds both{batches(100, kOwn), batches(140, kShared), batches(100, kOwn)};
  const Rounds only_shared{batches(280, kShared), batches(294, kShared), batches(266, kShared)};
  const Core core = find_core({both, only_shared});
  EXPECT_DOUBLE_EQ(core.own_ratio, kOwn);
  const Sharing sharing = find_sharing({both, only_shared}, core);
  EXPECT_NEAR(sharing.share, 4.0 / 6, 1e-9);
  EXPECT_NEAR(sharing.ratio, 1.4, 1e-9);
  EXPECT_NEAR(conclude(both, core, sharing).value, 100, 1e-6);
  EXPECT_NEAR(conclude(both, core, sharing).rounds[1], 100, 1e-6);
  EXPECT_NEAR(conclude(only_shared, core, sharing).value, 200, 1e-6);
  EXPECT_NEAR(conclude(only_shared, core, sharing).rounds[1], 210, 1e-6);
}

TEST(HostBench, BatchesOnASharedCoreCountForNothingWhereOthersAreEnough) {
  const Rounds rounds{batches(100, kOwn), batches(190, kShared), batches(102, kOwn)};
  const Core core = find_core({rounds});
  EXPECT_NEAR(conclude(rounds, core, {}).value, 101, 1e-6);
}

TEST(HostBench, TimesAreThoseOfTheClockThatItHadMostOfTheTime) {
  const Rounds rounds{batches(100, kOwn), batches(100, kOwn), batches(110, kOwn, 1100)};
  const Core core = find_core({rounds});
  EXPECT_DOUBLE_EQ(core.chain_ns, 1000);
  for (const double round : conclude(rounds, core, {}).rounds) EXPECT_NEAR(round, 100, 1e-9);
}

TEST(HostBench, WithoutBothKindsOfBatchesTimesStayAsTheyAre) {
  const Rounds rounds{batches(100, kOwn)};
  const Core core = find_core({rounds});
  const Sharing sharing = find_sharing({rounds}, core);
  EXPECT_DOUBLE_EQ(sharing.ratio, 1);
  EXPECT_DOUBLE_EQ(conclude(rounds, core, sharing).value, 100);
}

TEST(CoreProbe, TheRatioOfACoreOfOnesOwnIsTheLeastThatComesOften) {
  std::vector<double> ratios{0.5, 0.7, 0.8};  // by accident: what interrupts a chain makes the ratio small
  for (int i = 0; i < 100; ++i) ratios.push_back(1 + i * 1e-4);
  for (int i = 0; i < 900; ++i) ratios.push_back(1.2 + i * 1e-3);
  const double own = native::own_ratio(ratios).value();
  EXPECT_GE(own, 1);
  EXPECT_LE(own, 1.01);
  EXPECT_FALSE(native::core_is_shared(1.02, own));
  EXPECT_TRUE(native::core_is_shared(1.2, own));
  EXPECT_FALSE(native::own_ratio({}).has_value());
}

}  // namespace
}  // namespace sluice::calibration
