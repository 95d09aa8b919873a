// SPDX-License-Identifier: Apache-2.0
// What primitives of two processes take on the simulated kernel, where the cores are known.
#include <gtest/gtest.h>

#include "tools/calibrate/simulated_bench.h"
#include "tools/scenario/configuration.h"

namespace sluice::calibrate {
namespace {

double time_of(const std::string& primitive, const std::vector<std::pair<std::string, std::string>>& settings) {
  scenario::Configuration configuration;
  scenario::ParameterIndex index{configuration};
  for (const auto& [key, value] : settings) EXPECT_TRUE(index.find(key)->set(value)) << key;
  const SimulatedTimes times = time_simulated(configuration, {calibration::find_primitive(primitive)});
  return times.contains(primitive) ? times.at(primitive) : 0;
}

TEST(TaskPrimitives, AWayToAnIdleCoreAndBackLeavesTwoIdleStates) {
  const auto across = [](const char* idle_exit) {
    return time_of("task.round_trip_across", {{"cpu.cores", "2"}, {"cpu.idle_exit", idle_exit}});
  };
  EXPECT_NEAR(across("5 us") - across("1 us"), 2 * 4000, 100);
}

TEST(TaskPrimitives, OnOneCoreNoIdleStateIsLeft) {
  const auto here = [](const char* idle_exit) {
    return time_of("task.round_trip", {{"cpu.cores", "2"}, {"cpu.idle_exit", idle_exit}});
  };
  EXPECT_NEAR(here("5 us"), here("1 us"), 1);
}

TEST(TaskPrimitives, WhatAnotherCoreWroteIsReadFromItsCache) {
  constexpr double kLines = 48.0 * 1024 / 64;
  const auto read = [](const std::string& primitive, const char* read_peer) {
    return time_of(primitive, {{"cpu.cores", "2"}, {"cpu.frequency", "1 GHz"}, {"cpu.read_peer", read_peer}});
  };
  // Part of the lines has left the other core's caches on the way.
  EXPECT_GT(read("task.read_written_across", "40 cycles") - read("task.read_written_across", "20 cycles"),
            0.5 * kLines * 20);
  EXPECT_NEAR(read("task.read_written", "40 cycles"), read("task.read_written", "20 cycles"), 0.05 * kLines * 20);
}

TEST(TaskPrimitives, OneCoreIsTooFewForTheOnesOfTwo) { EXPECT_EQ(time_of("task.round_trip_across", {}), 0); }

}  // namespace
}  // namespace sluice::calibrate
