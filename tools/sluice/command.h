// SPDX-License-Identifier: Apache-2.0
// A command of the command line: its name, what it is for, its options and what it does. One file each; the table in
// command_line.cpp lists them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "tools/scenario/scenario.h"
#include "tools/sluice/exit_status.h"
#include "tools/sluice/output_file.h"

namespace sluice::tool {

/// Said before the command's name or behind it.
struct GlobalOptions {
  bool quiet = false;
};

/// Returns the exit status. Throws InputError for bad input and Interrupted.
using Action = std::function<int()>;

struct Command {
  const char* name;
  const char* help;
  /// Adds the command's options to `app`; the action is called when `app` has been parsed.
  Action (*define)(CLI::App& app, const GlobalOptions& globals);
};

// --- options that several commands have ------------------------------------------------------------------------------

struct ScenarioOptions {
  std::string path;
  std::string platform;           ///< a platform file instead of the scenario's; empty: as written
  std::vector<std::string> sets;  ///< key=value
  std::string file;               ///< payload instead of the scenario's; empty: as written
};
/// FILE, --set and --file.
void add_scenario(CLI::App& app, ScenarioOptions& options);
/// The same without FILE.
void add_settings(CLI::App& app, ScenarioOptions& options);
/// Reads the scenario and prints its warnings.
scenario::Scenario load(const ScenarioOptions& options, const GlobalOptions& globals, bool strace = false);

/// The files that a scenario's runs are made from.
std::vector<NamedFile> inputs_of(const ScenarioOptions& options, const scenario::Scenario& scenario);

/// A file or folder; an empty name (an unset variable of a shell script, say) is refused.
CLI::Option* add_path(CLI::App& app, const char* name, std::string& path, const char* help, const char* type);
/// --json.
void add_json(CLI::App& app, std::string& path);
/// --timeout, of `what`.
void add_timeout(CLI::App& app, unsigned& seconds, const char* what);
/// A number from `least` to `most`.
void add_number(CLI::App& app, const char* name, unsigned& number, unsigned least, unsigned most, const char* help,
                const char* type);

}  // namespace sluice::tool
