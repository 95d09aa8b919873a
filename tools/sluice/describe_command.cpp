// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <utility>

#include "kernel_sim/programs/lua/reference.h"
#include "models/base/result.h"
#include "tools/scenario/dump.h"
#include "tools/sluice/command.h"
#include "tools/sluice/streams.h"

namespace sluice::tool {

Action define_describe(CLI::App& app, const GlobalOptions& globals) {
  const auto options = std::make_shared<ScenarioOptions>();
  add_path(app, "scenario", options->path, "scenario file; without it the defaults are described", "FILE");
  const auto key = std::make_shared<std::string>();
  app.add_option("key", *key, "one parameter (disk.ssd_page_size), or those below a name (cache); all without it");
  const auto programs = std::make_shared<bool>(false);
  app.add_flag("--programs", *programs, "what a Lua program can call, as a page of Markdown");
  add_settings(app, *options);
  return [options, key, programs, &globals] {
    if (*programs) {
      print(lua::reference_page());
      return kAllHolds;
    }
    if (key->empty() && scenario::is_parameter(options->path)) std::swap(options->path, *key);  // `describe cache`
    if (options->path.empty() && !(options->sets.empty() && options->file.empty())) {
      throw base::InputError{"--set and --file need a scenario"};
    }
    print(options->path.empty() ? scenario::describe({}, *key)
                                : scenario::describe(load(*options, globals).plans.front().configuration, *key));
    return kAllHolds;
  };
}

}  // namespace sluice::tool
