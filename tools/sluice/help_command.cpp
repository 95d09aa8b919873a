// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "models/base/result.h"
#include "tools/sluice/command.h"
#include "tools/sluice/streams.h"

namespace sluice::tool {

Action define_help(CLI::App& app, const GlobalOptions& /*globals*/) {
  const auto name = std::make_shared<std::string>();
  app.add_option("command", *name, "the command to explain")->type_name("COMMAND");
  return [name, &app] {
    const CLI::App& sluice = *app.get_parent();
    if (name->empty()) {
      // App::help() would be that of the command that was parsed, which is this one.
      print(sluice.get_formatter()->make_help(&sluice, sluice.get_name(), CLI::AppFormatMode::Normal));
      return kAllHolds;
    }
    const auto named = sluice.get_subcommands([&](const CLI::App* sub) { return sub->get_name() == *name; });
    if (named.empty()) throw base::InputError{"there is no command '" + *name + "' (sluice help lists them)"};
    print(named.front()->help(sluice.get_name()));
    return kAllHolds;
  };
}

}  // namespace sluice::tool
