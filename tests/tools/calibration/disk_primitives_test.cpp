// SPDX-License-Identifier: Apache-2.0
// What the disk's primitives take on the simulated kernel, where the disk is known.
#include <gtest/gtest.h>

#include "tools/calibrate/simulated_bench.h"
#include "tools/scenario/configuration.h"

namespace sluice::calibrate {
namespace {

double time_of(const std::string& primitive, const std::vector<std::pair<std::string, std::string>>& settings) {
  scenario::Configuration configuration;
  scenario::ParameterIndex index{configuration};
  for (const auto& [key, value] : settings) EXPECT_TRUE(index.find(key)->set(value)) << key;
  return time_simulated(configuration, {calibration::find_primitive(primitive)}).at(primitive);
}

TEST(DiskPrimitives, ReadingWithReadAheadTakesWhatTheRateOfTheDiskSays) {
  constexpr double kBytes = 64 * 1024;
  const auto read_ahead = [](const char* rate) { return time_of("disk.read_ahead", {{"disk.ssd_read_rate", rate}}); };
  EXPECT_NEAR(read_ahead("500 MB/s"), kBytes / 0.5, 0.05 * kBytes / 0.5) << "ns";
  EXPECT_NEAR(read_ahead("1 GB/s"), kBytes / 1.0, 0.1 * kBytes / 1.0) << "ns";
  EXPECT_LT(read_ahead("3.2 GB/s"), 0.7 * read_ahead("1 GB/s"));
}

TEST(DiskPrimitives, ReadingAPageTakesTheReadLatencyAndMore) {
  const auto page = [](const char* latency) { return time_of("disk.page", {{"disk.ssd_read_latency", latency}}); };
  const double at_once = page("0 s");
  EXPECT_NEAR(page("60 us") - at_once, 60'000, 100);
}

}  // namespace
}  // namespace sluice::calibrate
