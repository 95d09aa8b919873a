// SPDX-License-Identifier: Apache-2.0
#include "tools/calibrate/calibrated_platform.h"

#include <set>

#include <gtest/gtest.h>

#include "models/base/result.h"
#include "tools/calibrate/calibration_table.h"
#include "tools/native/calibration/primitive.h"
#include "tools/scenario/platform_file.h"

namespace sluice::calibrate {
namespace {

scenario::Configuration read(const std::string& text) {
  scenario::Configuration configuration;
  scenario::read_platform(scenario::parse_yaml(text, "host.yaml"), configuration);
  return configuration;
}

TEST(CalibratedPlatform, WhatIsWrittenIsReadBack) {
  scenario::Configuration configuration;
  configuration.host = {"A \"quoted\" processor", "6.18.4", "2026-11-25", 4_KiB, 1_MiB};
  configuration.kernel.fs.read_call = CpuCost::time(123_ns);
  const scenario::Configuration back =
      read(platform_text(configuration, {{"kernel.fs.read_call", {"measured", 0.021, "pread of a page"}}}));
  ASSERT_TRUE(back.host);
  EXPECT_EQ(back.host->cpu, configuration.host->cpu);
  EXPECT_EQ(back.host->kernel, "6.18.4");
  EXPECT_EQ(back.host->largest_chunk, 1_MiB);
  EXPECT_EQ(back.kernel.fs.read_call, CpuCost::time(123_ns));
  EXPECT_EQ(back.origins.at("kernel.fs.read_call"),
            (scenario::ValueOrigin{"measured, spread 2.1 %, 2026-11-25", "host.yaml"}));
  EXPECT_FALSE(back.origins.contains("kernel.fs.truncate"));
}

std::string complaint(const std::string& text) {
  try {
    read("schema: sluice.platform/1\n" + text);
  } catch (const base::InputError& refused) {
    return refused.what();
  }
  return "";
}

TEST(CalibratedPlatform, MalformedPartsAreRefusedWithTheirPlace) {
  EXPECT_EQ(complaint("cpu: { cores: { value: 1, date: 25.11.2026 } }"),
            "host.yaml:2:33: date: '25.11.2026' is no YYYY-MM-DD");
  EXPECT_NE(complaint("cpu: { cores: { value: 1, spread: much } }").find("cpu.cores: spread: "), std::string::npos);
  EXPECT_EQ(complaint("host: { cpu: x, kernel: y, date: 2026-11-25, smallest_chunk: 4 KiB }"),
            "host.yaml:2:7: host: no largest_chunk");
}

TEST(CalibrationTable, NamesWhatExistsAndSharesAddUp) {
  scenario::Configuration configuration;
  scenario::ParameterIndex index{configuration};
  std::set<std::string> seen;
  for (const Row& row : calibration_table()) {
    double shares = 0;
    for (const Share& share : row.parameters) {
      EXPECT_TRUE(index.find(share.parameter)) << share.parameter;
      EXPECT_TRUE(seen.insert(share.parameter).second) << share.parameter << " has two rows";
      shares += share.share;
    }
    EXPECT_NEAR(shares, 1, 1e-9) << row.why;
    for (const Term& term : row.target) {
      EXPECT_NE(calibration::find_primitive(term.primitive), nullptr) << term.primitive;
    }
  }
}

}  // namespace
}  // namespace sluice::calibrate
