// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <fmt/format.h>

#include "tools/sluice/command.h"
#include "tools/sluice/streams.h"

namespace sluice::tool {

Action define_check(CLI::App& app, const GlobalOptions& globals) {
  const auto options = std::make_shared<ScenarioOptions>();
  add_scenario(app, *options);
  return [options, &globals] {
    const scenario::Scenario scenario = load(*options, globals);
    if (!globals.quiet) print(fmt::format("{}: {} runs, nothing wrong\n", scenario.path, scenario.plans.size()));
    return kAllHolds;
  };
}

}  // namespace sluice::tool
