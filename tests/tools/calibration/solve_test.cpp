// SPDX-License-Identifier: Apache-2.0
// Rows are solved against a made-up kernel whose times are known functions of two parameters.
#include "tools/calibrate/solve.h"

#include <gtest/gtest.h>

#include "models/base/quantity.h"

namespace sluice::calibrate {
namespace {

double nanoseconds_of(const scenario::Configuration& original, const std::string& parameter) {
  scenario::Configuration configuration = original;
  scenario::ParameterIndex index{configuration};
  const auto cost = base::parse_cpu_cost(index.find(parameter)->get());
  return static_cast<double>(cost->at(configuration.machine.cpu.frequency).count()) / 1000;
}

/// A call costs 40 ns besides read_call; three pages cost page_lookup each.
std::map<std::string, double> simulate(const scenario::Configuration& configuration,
                                       const std::vector<std::string>& primitives) {
  const double call = 40 + nanoseconds_of(configuration, "kernel.fs.read_call");
  std::map<std::string, double> times;
  for (const std::string& name : primitives) {
    if (name == "call") times[name] = call;
    if (name == "pages") times[name] = call + 3 * nanoseconds_of(configuration, "kernel.fs.page_lookup");
  }
  return times;
}

const std::vector<Row> kRows{
    {{{"kernel.fs.read_call"}}, {{1, "call"}}, "a call"},
    {{{"kernel.fs.page_lookup"}}, {{1, "pages"}, {-1, "call"}}, "three pages"},
};

TEST(Solve, ParametersAreFoundFromTimes) {
  scenario::Configuration configuration;
  const Timings measured{{"call", {165, {164, 165, 166}}}, {"pages", {465, {464, 465, 466}}}};
  const auto findings = solve(kRows, measured, simulate, configuration, 1);
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_TRUE(findings[0].measured);
  EXPECT_NEAR(nanoseconds_of(configuration, "kernel.fs.read_call"), 125, 0.01);
  EXPECT_NEAR(nanoseconds_of(configuration, "kernel.fs.page_lookup"), 100, 0.01);
  EXPECT_NEAR(findings[0].spread, 1.0 / 165, 1e-9);
}

TEST(Solve, SharesDivideWhatIsFound) {
  scenario::Configuration configuration;
  const std::vector<Row> rows{
      {{{"kernel.fs.read_call", 0.75}, {"kernel.fs.page_lookup", 0.25}}, {{1, "pages"}}, "all of it"}};
  solve(rows, {{"pages", {190, {}}}}, simulate, configuration, 1);
  // 190 = 40 + x (0.75 + 3 x 0.25)
  EXPECT_NEAR(nanoseconds_of(configuration, "kernel.fs.read_call"), 75, 0.01);
  EXPECT_NEAR(nanoseconds_of(configuration, "kernel.fs.page_lookup"), 25, 0.01);
}

TEST(Solve, WhatCannotBeMeasuredKeepsItsValue) {
  const double published = nanoseconds_of({}, "kernel.fs.page_lookup");
  const auto page_lookup_after = [](const Timings& measured, std::string& note) {
    scenario::Configuration configuration;
    const auto findings = solve(kRows, measured, simulate, configuration, 1);
    EXPECT_FALSE(findings[1].measured);
    note = findings[1].note;
    return nanoseconds_of(configuration, "kernel.fs.page_lookup");
  };
  std::string note;
  EXPECT_EQ(page_lookup_after({{"call", {165, {}}}}, note), published);
  EXPECT_EQ(note, "not measured");
  const Timings noisy{{"call", {165, {165, 165, 165}}}, {"pages", {205, {105, 205, 305}}}};
  EXPECT_EQ(page_lookup_after(noisy, note), published);
  EXPECT_TRUE(note.starts_with("too noisy")) << note;
}

TEST(Solve, ATargetWithAKinkIsFollowed) {
  // As a copy that waits for the memory where the core alone would be faster.
  const Simulate with_kink = [](const scenario::Configuration& configuration, const std::vector<std::string>&) {
    const double cost = 64 * nanoseconds_of(configuration, "cpu.read_memory");
    return std::map<std::string, double>{{"page", std::max(150.0, cost)}};
  };
  scenario::Configuration configuration;
  const std::vector<Row> rows{{{{"cpu.read_memory"}}, {{1, "page"}}, "a page"}};
  solve(rows, {{"page", {320, {}}}}, with_kink, configuration, 1);
  EXPECT_NEAR(nanoseconds_of(configuration, "cpu.read_memory"), 5, 0.1);
}

TEST(Solve, ANegativeCostIsZeroAndSaidToBe) {
  scenario::Configuration configuration;
  const auto findings = solve(kRows, {{"call", {30, {}}}, {"pages", {60, {}}}}, simulate, configuration, 1);
  EXPECT_EQ(nanoseconds_of(configuration, "kernel.fs.read_call"), 0);
  EXPECT_NE(findings[0].note.find("taken as 0"), std::string::npos) << findings[0].note;
}

TEST(Solve, AParameterKeepsItsValueWhereTheTimeJumpsOverTheMeasuredOne) {
  const Simulate jumping = [](const scenario::Configuration& configuration, const std::vector<std::string>&) {
    const double cost = nanoseconds_of(configuration, "kernel.sched.context_switch");
    return std::map<std::string, double>{{"burst", cost < 500 ? 48000 + cost : 73000 + cost}};
  };
  scenario::Configuration configuration;
  const double published = nanoseconds_of(configuration, "kernel.sched.context_switch");
  const std::vector<Row> rows{{{{"kernel.sched.context_switch"}}, {{1, "burst"}}, "a burst"}};
  const auto findings = solve(rows, {{"burst", {60000, {}}}}, jumping, configuration, 1);
  EXPECT_FALSE(findings[0].measured);
  EXPECT_EQ(findings[0].note, "no value of it gives the 60000 ns that were measured");
  EXPECT_EQ(nanoseconds_of(configuration, "kernel.sched.context_switch"), published);
}

TEST(Solve, AParameterWithoutEffectKeepsItsValue) {
  scenario::Configuration configuration;
  const std::vector<Row> rows{{{{"kernel.mm.tlb_flush"}}, {{1, "call"}}, "nothing to do with it"}};
  const auto findings = solve(rows, {{"call", {165, {}}}}, simulate, configuration, 1);
  EXPECT_FALSE(findings[0].measured);
  EXPECT_EQ(findings[0].note, "has no effect here");
}

}  // namespace
}  // namespace sluice::calibrate
