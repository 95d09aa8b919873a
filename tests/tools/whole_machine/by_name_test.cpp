// SPDX-License-Identifier: Apache-2.0
// Payload is moved by name where nobody looks at it. A run whose disk holds plain bytes instead must give the same
// results in every key but "simulator".
#include <random>

#include <gtest/gtest.h>

#include "tests/tools/scenario/support.h"
#include "tests/tools/whole_machine/random_machine.h"
#include "tools/results/json_io.h"
#include "tools/simulate/child.h"
#include "tools/simulate/simulate.h"

namespace sluice::tests {
namespace {

constexpr int kMachines = 40;

results::Json run(scenario::RunPlan plan, bool plain_bytes) {
  plan.plain_bytes = plain_bytes;
  results::Json result = simulate::run_in_child([&] { return results::to_json(simulate::run(plan)); }, {});
  result.erase("simulator");
  return result;
}

TEST(PayloadByName, GivesTheResultsOfPlainBytes) {
  const std::uint32_t first = std::random_device{}();
  const Folder folder;
  RandomMachine random;
  for (std::uint32_t seed = first; seed != first + kMachines; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    random.seed(seed);
    const std::string path = folder.write("scenario.yaml", random.scenario());
    const scenario::Scenario scenario = scenario::load_scenario(path, {"", random.machine(), false});
    const results::Json by_name = run(scenario.plans.front(), false);
    EXPECT_TRUE(by_name.at("delivered").at("intact").get<bool>());
    EXPECT_EQ(by_name, run(scenario.plans.front(), true));
  }
}

}  // namespace
}  // namespace sluice::tests
