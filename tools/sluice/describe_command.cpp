// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "models/base/result.h"
#include "tools/scenario/dump.h"
#include "tools/sluice/command.h"
#include "tools/sluice/streams.h"

namespace sluice::tool {

Action define_describe(CLI::App& app, const GlobalOptions& globals) {
  const auto options = std::make_shared<ScenarioOptions>();
  add_path(app, "scenario", options->path, "scenario file; without it the defaults are described", "FILE");
  add_settings(app, *options);
  return [options, &globals] {
    if (options->path.empty() && !(options->sets.empty() && options->file.empty())) {
      throw base::InputError{"--set and --file need a scenario"};
    }
    print(options->path.empty() ? scenario::describe({})
                                : scenario::describe(load(*options, globals).plans.front().configuration));
    return kAllHolds;
  };
}

}  // namespace sluice::tool
