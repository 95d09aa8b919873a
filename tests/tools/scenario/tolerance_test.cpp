// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/tolerance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/scenario/support.h"

namespace sluice::tests {
namespace {

class Tolerances : public testing::Test {
 protected:
  Tolerances() { m_folder.write("platform.yaml", kPlatform); }
  std::string write(const std::string& tolerance) { return m_folder.write("s.yaml", kScenario + tolerance + "\n"); }
  Folder m_folder;
};

TEST_F(Tolerances, AreReadAndMayBeLeftOut) {
  const auto all =
      scenario::load_scenario(write("tolerance: { cpu_mape_percent: 15, cpu_worst_percent: 30, kendall_tau: 0.9 }"), {})
          .tolerance;
  EXPECT_EQ(all.cpu_mape_percent, 15.0);
  EXPECT_EQ(all.cpu_worst_percent, 30.0);
  EXPECT_EQ(all.kendall_tau, 0.9);
  const auto none = scenario::load_scenario(write(""), {}).tolerance;
  EXPECT_FALSE(none.cpu_mape_percent || none.cpu_worst_percent || none.kendall_tau);
}

TEST_F(Tolerances, AreRefusedWithTheirPlace) {
  EXPECT_EQ(complaint(m_folder, write("tolerance: { cpu_mape_percnt: 15 }")),
            "s.yaml:5:14: unknown key 'cpu_mape_percnt'; did you mean 'cpu_mape_percent'?");
  EXPECT_THAT(complaint(m_folder, write("tolerance: { kendall_tau: 1.5 }")),
              testing::StartsWith("s.yaml:5:27: tolerance.kendall_tau: 1.5 is not from -1 to 1"));
  EXPECT_THAT(complaint(m_folder, write("tolerance: { cpu_mape_percent: nan }")), testing::StartsWith("s.yaml:5:32: "));
  EXPECT_THAT(complaint(m_folder, write("tolerance: { cpu_mape_percent: 15 % }")),
              testing::StartsWith("s.yaml:5:32: tolerance.cpu_mape_percent: '15 %' is not a number"));
  EXPECT_THAT(complaint(m_folder, write("tolerance: 15")), testing::StartsWith("s.yaml:5:12: "));
}

TEST_F(Tolerances, AnotherPlatformMayTakeThePlaceOfTheScenarios) {
  std::string text = kPlatform;
  text.replace(text.find("10 Gbps"), 7, "3 Gbps");
  const std::string slower = m_folder.write("slower.yaml", text);
  scenario::CommandLine command_line;
  command_line.platform = slower;
  EXPECT_EQ(nic_of(scenario::load_scenario(write(""), command_line).plans.at(0).configuration).rate.value(),
            3'000'000'000U);
  command_line.platform = m_folder.path("none.yaml");
  EXPECT_THAT(complaint(m_folder, write(""), command_line), testing::HasSubstr("none.yaml: No such file"));
}

}  // namespace
}  // namespace sluice::tests
