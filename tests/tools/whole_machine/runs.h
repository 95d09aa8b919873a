// SPDX-License-Identifier: Apache-2.0
// Whole machines from the outside: a scenario in, results out, through the binary as a person would.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "kernel_sim/programs/strategy.h"
#include "tests/tools/scenario/support.h"
#include "tests/tools/sluice/process.h"

namespace sluice::tests {

/// What a test changes about the scenario; the rest is a warm 16 MiB file on the 2020 server, in chunks of 64 KiB.
struct Variation {
  std::string platform = "server-2020";
  std::string file = "size: 16 MiB, seed: 3";
  std::string chunk = "64 KiB";
  std::string page_cache = "warm";
  std::string more = "";  ///< of the workload
  std::string strategies = fmt::format("{}", fmt::join(kernel_sim::strategy_names(), ", "));
  std::vector<std::string> set = {};
};

class WholeMachine : public testing::Test {
 protected:
  using Json = nlohmann::json;
  using Results = std::map<std::string, Json>;  // by strategy

  Results run(const Variation& variation) {
    const std::string scenario = m_folder.write(
        "scenario.yaml", fmt::format("schema: sluice/1\ndescription: a test\nplatform: {}/scenarios/platforms/{}.yaml\n"
                                     "workload: {{ file: {{ {} }}, chunk: {}, page_cache: {}{} }}\nstrategies: [{}]\n",
                                     SLUICE_SOURCE_DIR, variation.platform, variation.file, variation.chunk,
                                     variation.page_cache, variation.more, variation.strategies));
    std::string arguments = "run " + scenario + " --json -";
    for (const std::string& set : variation.set) arguments += fmt::format(" --set '{}'", set);
    const Outcome outcome = sluice(arguments, m_folder.path(""));
    EXPECT_EQ(outcome.status, 0) << arguments << "\n" << outcome.err;
    Results results;
    const Json all = Json::parse(outcome.out, nullptr, false);
    if (all.is_discarded()) {
      ADD_FAILURE() << "no JSON: " << outcome.out;
      return results;
    }
    for (const Json& one : all["runs"]) results[one["strategy"]] = one;
    return results;
  }
  static double throughput(const Json& result) { return result["throughput_bytes_per_s"]; }
  static double elapsed(const Json& result) { return result["time"]["elapsed_ns"]; }
  static double cpu_time(const Json& result) {
    const Json& time = result["time"];
    return time["cpu_user_ns"].get<double>() + time["cpu_kernel_ns"].get<double>() + time["cpu_irq_ns"].get<double>();
  }

  Folder m_folder;
};

}  // namespace sluice::tests
