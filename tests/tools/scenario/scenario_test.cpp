// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/scenario.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/scenario/support.h"
#include "tools/scenario/dump.h"
#include "tools/scenario/platform_file.h"

namespace sluice::tests {
namespace {

using scenario::CommandLine;
using scenario::load_scenario;
using scenario::RunPlan;
using scenario::Scenario;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class Scenarios : public testing::Test {
 protected:
  Scenarios() { m_folder.write("platform.yaml", kPlatform); }
  scenario::Scenario load(const std::string& text, const CommandLine& command_line = {}) {
    return load_scenario(m_folder.write("s.yaml", text), command_line);
  }
  std::string load_and_dump(const std::string& text) { return scenario::dump(load(text)); }
  static std::uint64_t rate(const RunPlan& plan) { return nic_of(plan.configuration).rate.value(); }

  Folder m_folder;
};

TEST_F(Scenarios, APlatformValueMayCarryItsSource) {
  const RunPlan plan = load(kScenario).plans.at(0);
  EXPECT_EQ(rate(plan), 10'000'000'000U);
  EXPECT_THAT(plan.configuration.origins,
              ElementsAre(Pair("nic.rate", scenario::ValueOrigin{"a test", m_folder.path("platform.yaml")})));
}

TEST_F(Scenarios, LaterSettingsWin) {
  const std::string with = kScenario + "with: { nic.rate: 20 Gbps }\n";
  const std::string vary = kScenario + "vary: { nic.rate: [30 Gbps] }\n";
  EXPECT_EQ(rate(load(kScenario).plans.at(0)), 10'000'000'000U);
  EXPECT_EQ(rate(load(with).plans.at(0)), 20'000'000'000U);
  EXPECT_EQ(rate(load(vary).plans.at(0)), 30'000'000'000U);
  EXPECT_EQ(rate(load(vary, {"", {"nic.rate=40Gbps"}, false}).plans.at(0)), 40'000'000'000U);
  EXPECT_EQ(rate(load(with, {"", {"nic.rate=40Gbps"}, false}).plans.at(0)), 40'000'000'000U);
}

TEST_F(Scenarios, AStrategyPresetStandsBetweenPlatformAndWith) {
  const std::string head = "schema: sluice/1\nplatform: platform.yaml\nworkload: { file: { size: 1 KiB } }\n";
  const auto plans =
      load(head + "strategies: [read_write, mmap_write, sendfile, sendfile_gather, splice]\nwith: {}\n").plans;
  ASSERT_EQ(plans.size(), 5U);
  std::vector<bool> gather;
  for (const RunPlan& plan : plans) gather.push_back(nic_of(plan.configuration).gather);
  EXPECT_THAT(gather, ElementsAre(true, true, false, true, true));

  const auto overridden = load(head + "strategies: [sendfile]\nwith: { nic.gather: true }\n");
  EXPECT_TRUE(nic_of(overridden.plans.at(0).configuration).gather);
  EXPECT_THAT(overridden.warnings, Contains(HasSubstr("strategy sendfile is named for nic.gather=false")));
}

TEST_F(Scenarios, VaryRunsTheProductOfItsAxesLastAxisFastest) {
  const auto plans = load(kScenario + "vary: { nic.rate: [1 Gbps, 2 Gbps], workload.chunk: [4 KiB, 8 KiB] }\n").plans;
  ASSERT_EQ(plans.size(), 4U);
  EXPECT_THAT(plans[0].point, ElementsAre(Pair("nic.rate", "1 Gbps"), Pair("workload.chunk", "4 KiB")));
  EXPECT_THAT(plans[1].point, ElementsAre(Pair("nic.rate", "1 Gbps"), Pair("workload.chunk", "8 KiB")));
  EXPECT_THAT(plans[2].point, ElementsAre(Pair("nic.rate", "2 Gbps"), Pair("workload.chunk", "4 KiB")));
  EXPECT_EQ(plans[3].configuration.workload.chunk, 8_KiB);
  EXPECT_EQ(rate(plans[3]), 2'000'000'000U);
}

TEST_F(Scenarios, SettingAVariedKeyCollapsesItsAxis) {
  const auto plans = load(kScenario + "vary: { nic.rate: [1 Gbps, 2 Gbps], workload.chunk: [4 KiB, 8 KiB] }\n",
                          {"", {"nic.rate=5Gbps"}, false})
                         .plans;
  ASSERT_EQ(plans.size(), 2U);
  EXPECT_THAT(plans[1].point, ElementsAre(Pair("workload.chunk", "8 KiB")));
  EXPECT_EQ(rate(plans[1]), 5'000'000'000U);
}

TEST_F(Scenarios, SettingsAreListedInTheOrderOfPrecedence) {
  const auto plan = load(kScenario + "with: { nic.mtu: 9000 B }\nvary: { workload.chunk: [4 KiB] }\n",
                         {"", {"wire.propagation=1us"}, false})
                        .plans.at(0);
  EXPECT_THAT(plan.settings, ElementsAre(Pair("nic.mtu", "9000 B"), Pair("workload.chunk", "4 KiB"),
                                         Pair("wire.propagation", "1 us")));
}

TEST_F(Scenarios, CoresAndRegimeOfALoopbackTransferAreChosenAndDefaultToOneAndTheKernels) {
  const auto workload = [&](const std::string& text) { return load(text).plans.at(0).configuration.workload; };
  EXPECT_EQ(workload(kScenario).cpus, 1U);
  EXPECT_FALSE(workload(kScenario).controlled());
  const std::string chosen =
      "schema: sluice/1\nplatform: platform.yaml\n"
      "workload: { file: { size: 1 KiB }, cpus: 2, regime: controlled }\nstrategies: [splice]\n";
  EXPECT_EQ(workload(chosen).cpus, 2U);
  EXPECT_TRUE(workload(chosen).controlled());
  EXPECT_TRUE(workload(load_and_dump(chosen)).controlled());
  EXPECT_EQ(workload(load_and_dump(chosen)).cpus, 2U);
}

TEST_F(Scenarios, TheCommandLinesFileReplacesTheWorkloads) {
  const std::string file = m_folder.write("data", "twelve bytes");
  const auto workload = load(kScenario, {file, {}, false}).plans.at(0).configuration.workload;
  EXPECT_EQ(workload.path, file);
  EXPECT_EQ(workload.payload(), 12U);
}

TEST_F(Scenarios, APlanKnowsWhatTheCommandLineChangedOfTheScenario) {
  const std::string file = m_folder.write("data", "twelve bytes");
  const auto changed = [&](const scenario::CommandLine& command_line, const std::string& more = "") {
    return load(kScenario + more, command_line).plans.at(0).changed;
  };
  EXPECT_THAT(changed({}), IsEmpty());
  EXPECT_THAT(changed({file, {}, false}), ElementsAre("--file " + file));
  EXPECT_THAT(changed({"", {"nic.rate=1Gbps"}, false}), ElementsAre("nic.rate=1 Gbps"));
  EXPECT_THAT(changed({"", {"nic.rate=10Gbps"}, false}), IsEmpty());  // as the platform has it
  const std::string axis = "vary: { nic.rate: [1 Gbps, 2 Gbps] }\n";
  EXPECT_THAT(changed({"", {"nic.rate=2Gbps"}, false}, axis), IsEmpty());  // a point of the scenario
  EXPECT_THAT(changed({"", {"nic.rate=3Gbps"}, false}, axis), ElementsAre("nic.rate=3 Gbps"));
}

TEST_F(Scenarios, AFileOfTheHostIsFoundBesideTheScenario) {
  m_folder.write("data", "");
  const auto plans = load(
                         "schema: sluice/1\nplatform: platform.yaml\nworkload: { file: { path: data } }\n"
                         "strategies: [splice]\n")
                         .plans;
  EXPECT_EQ(plans.at(0).configuration.workload.payload(), 0U);
}

TEST_F(Scenarios, ManyFilesAreCounted) {
  const auto plan = load(
                        "schema: sluice/1\nplatform: platform.yaml\n"
                        "workload: { files: { count: 1000, size: 5 KiB, seed: 9 }, page_cache: warm }\n"
                        "strategies: [splice]\n")
                        .plans.at(0);
  EXPECT_EQ(plan.configuration.workload.payload(), 1000 * 5_KiB);
  EXPECT_TRUE(plan.configuration.workload.warm());
}

TEST_F(Scenarios, APlatformMayStandInTheScenario) {
  std::string inner;
  for (std::size_t at = 0; at < kPlatform.size();) {
    const auto end = kPlatform.find('\n', at);
    inner += "  " + kPlatform.substr(at, end + 1 - at);
    at = end + 1;
  }
  const auto plans =
      load("schema: sluice/1\nplatform:\n" + inner + "workload: { file: { size: 1 KiB } }\nstrategies: [splice]\n")
          .plans;
  EXPECT_EQ(rate(plans.at(0)), 10'000'000'000U);
}

TEST_F(Scenarios, ASettingThatNothingLooksAtIsAWarning) {
  EXPECT_THAT(load(kScenario + "with: { disk.hdd_rpm: 5400 }\n").warnings,
              ElementsAre("disk.hdd_rpm has no effect: the disk's medium is ssd"));
  const std::string scattered = kScenario + "with: { workload.file.placement: scattered, workload.page_cache: ";
  EXPECT_THAT(load(scattered + "warm }\n").warnings,
              ElementsAre("workload.file.placement has no effect: the page cache is warm, the disk is not used"));
  EXPECT_THAT(load(scattered + "cold }\n").warnings, IsEmpty());
  EXPECT_THAT(load(kScenario + "with: { nic.rate: 1 Gbps }\n").warnings, IsEmpty());
}

TEST_F(Scenarios, ExpectationsBelongToTheirStrategy) {
  const auto plans = load(
                         "schema: sluice/1\nplatform: platform.yaml\nworkload: { file: { size: 1 KiB } }\n"
                         "strategies: [splice, read_write]\n"
                         "expect: { read_write: { copies.cpu: 2, delivered.intact: true, "
                         "throughput_bytes_per_s: { min: 1e9 }, bound.static_limited_by: nic.wire } }\n")
                         .plans;
  EXPECT_THAT(plans.at(0).expectations, IsEmpty());
  const auto& expectations = plans.at(1).expectations;
  ASSERT_EQ(expectations.size(), 4U);
  EXPECT_EQ(expectations[0].number->fixed, 2.0);
  EXPECT_EQ(expectations[1].want, true);
  EXPECT_EQ(expectations[2].min->fixed, 1e9);
  EXPECT_FALSE(expectations[2].max.has_value());
  EXPECT_EQ(expectations[3].want, "nic.wire");
}

TEST_F(Scenarios, AnExpectationMayCountRoundsAndFiles) {
  const auto expectations = load(kScenario +
                                 "expect: { read_write: { mode_switches: { per_round: 4 }, "
                                 "interrupts: { min: { per_round: 1, per_file: 2 }, max: 9 } } }\n")
                                .plans.at(0)
                                .expectations;
  ASSERT_EQ(expectations.size(), 2U);
  EXPECT_EQ(expectations[0].number->per_round, 4);
  EXPECT_EQ(expectations[1].min->per_file, 2);
  EXPECT_EQ(expectations[1].max->fixed, 9);
}

TEST_F(Scenarios, ADumpReadsBackToTheSameConfiguration) {
  const Scenario scenario = load(kScenario + "with: { nic.mtu: 9000 B, cpu.frequency: 2.5 GHz }\n");
  const std::string text = scenario::dump(scenario);
  Scenario again = load(text);
  again.settings = scenario.settings;
  EXPECT_EQ(scenario::dump(again), text);
  EXPECT_EQ(nic_of(again.plans.at(0).configuration).mtu, 9000U);
  EXPECT_THAT(text, HasSubstr("source: \"a test\""));
}

TEST_F(Scenarios, ADumpExpandsToTheSameRuns) {
  const std::string head = "schema: sluice/1\nplatform: platform.yaml\nworkload: { file: { size: 64 KiB } }\n";
  for (const char* rest : {"strategies: [read_write, sendfile, sendfile_gather]\n",
                           "strategies: [sendfile, splice]\nwith: { nic.gather: true }\n",
                           "strategies: [sendfile, splice]\nvary: { nic.gather: [true, false] }\n",
                           "strategies: [splice]\nvary:\n  nic.rate: [2.5 Gbps, 3x]\n  workload.chunk: [4 KiB, 1 MiB]\n"
                           "  workload.page_cache: [warm, cold]\n"}) {
    const Scenario scenario = load(head + rest);
    const Scenario again = load(scenario::dump(scenario));
    ASSERT_EQ(again.plans.size(), scenario.plans.size()) << rest;
    for (std::size_t i = 0; i < scenario.plans.size(); ++i) {
      const RunPlan& plan = scenario.plans[i];
      EXPECT_EQ(again.plans[i].strategy, plan.strategy);
      EXPECT_EQ(again.plans[i].point, plan.point);
      EXPECT_EQ(nic_of(again.plans[i].configuration).gather, nic_of(plan.configuration).gather) << rest << i;
      EXPECT_EQ(rate(again.plans[i]), rate(plan));
      EXPECT_EQ(again.plans[i].configuration.workload.chunk, plan.configuration.workload.chunk);
      EXPECT_EQ(again.plans[i].configuration.workload.page_cache, plan.configuration.workload.page_cache);
    }
  }
}

TEST_F(Scenarios, ADumpKeepsWorkloadStrategyAndWhatWasSetOverIt) {
  const std::string head = "schema: sluice/1\nplatform: platform.yaml\n";
  const RunPlan files =
      load(load_and_dump(head + "workload: { files: { count: 7, size: 5 KiB, seed: 9 }, page_cache: warm "
                                "}\nstrategies: [splice]\n"))
          .plans.at(0);
  EXPECT_EQ(files.strategy, "splice");
  EXPECT_EQ(files.configuration.workload.count, 7U);
  EXPECT_EQ(files.configuration.workload.seed, 9U);
  EXPECT_TRUE(files.configuration.workload.warm());

  m_folder.write("data", "twelve bytes");
  const RunPlan path =
      load(load_and_dump(head + "workload: { file: { path: data, placement: scattered }, chunk: 4 KiB }\n"
                                "strategies: [sendfile]\n"
                                "with: { nic.gather: true }\n"))
          .plans.at(0);
  EXPECT_EQ(path.configuration.workload.payload(), 12U);
  EXPECT_EQ(path.configuration.workload.placement, scenario::FilePlacement::Scattered);
  EXPECT_EQ(path.configuration.workload.chunk, 4_KiB);
  EXPECT_TRUE(nic_of(path.configuration).gather);
}

TEST_F(Scenarios, LinesMayEndInCarriageReturns) {
  std::string text;
  for (const char c : kScenario) text += c == '\n' ? "\r\n" : std::string{c};
  EXPECT_EQ(load(text).plans.at(0).strategy, "read_write");
  text.pop_back();
  EXPECT_EQ(load(text).plans.at(0).strategy, "read_write");
}

TEST_F(Scenarios, AnExpectationMayDependOnAParameter) {
  const std::string text =
      kScenario +
      "expect: { read_write: { copies.cpu: 2, copies.dma: { workload.page_cache: { warm: 1, cold: { "
      "min: 2 } } } } }\n";
  const auto plans = load(text + "vary: { workload.page_cache: [warm, cold] }\n").plans;
  ASSERT_EQ(plans.at(0).expectations.size(), 2U);
  EXPECT_EQ(plans[0].expectations[1].number->fixed, 1.0);
  ASSERT_EQ(plans.at(1).expectations.size(), 2U);
  EXPECT_EQ(plans[1].expectations[1].min->fixed, 2.0);
  EXPECT_EQ(load(text).plans.at(0).expectations.at(1).min->fixed, 2.0);  // not varied: the value that it has
}

TEST_F(Scenarios, DescribeCoversEveryParameter) {
  scenario::Configuration configuration;
  const std::string text = scenario::describe(configuration);
  scenario::ParameterIndex index{configuration};
  EXPECT_GT(index.names().size(), 100U);
  for (const std::string& name : index.names()) {
    const auto parameter = index.find(name);
    ASSERT_TRUE(parameter) << name;
    EXPECT_FALSE(parameter->help().empty()) << name;
    EXPECT_FALSE(parameter->source().empty()) << name;
    EXPECT_THAT(text, HasSubstr(name + " = " + parameter->get() + "\n    " + parameter->help())) << name;
  }
}

TEST_F(Scenarios, EveryParameterTakesTheTextItGives) {
  scenario::Configuration configuration;
  scenario::ParameterIndex index{configuration};
  for (const std::string& name : index.names()) {
    const base::Parameter parameter = index.find(name).value();
    const std::string text = parameter.get();
    EXPECT_TRUE(parameter.set(text).has_value()) << name << " = " << text;
    EXPECT_EQ(parameter.get(), text) << name;
  }
}

}  // namespace
}  // namespace sluice::tests
