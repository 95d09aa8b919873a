// SPDX-License-Identifier: Apache-2.0
#include "tools/sluice/command_line.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "models/base/parameters.h"
#include "models/base/result.h"
#include "tools/sluice/command.h"
#include "tools/sluice/streams.h"
#include "tools/sluice/version.h"

namespace sluice::tool {

// Each in the file of its name.
Action define_compare(CLI::App& app, const GlobalOptions& globals);
Action define_run(CLI::App& app, const GlobalOptions& globals);
Action define_check(CLI::App& app, const GlobalOptions& globals);
Action define_describe(CLI::App& app, const GlobalOptions& globals);
Action define_native(CLI::App& app, const GlobalOptions& globals);
Action define_calibrate(CLI::App& app, const GlobalOptions& globals);
Action define_crosscheck(CLI::App& app, const GlobalOptions& globals);
Action define_help(CLI::App& app, const GlobalOptions& globals);
Action define_version(CLI::App& app, const GlobalOptions& globals);

namespace {

/// In the order of the help.
constexpr std::array kCommands{
    Command{"compare", "run all strategies of a scenario and print them side by side", define_compare},
    Command{"run", "run all strategies of a scenario and print everything about each", define_run},
    Command{"check", "read a scenario, build its machines on paper, and run nothing", define_check},
    Command{"describe", "print every parameter with value, range, help and source", define_describe},
    Command{"native", "run all strategies of a scenario on this host's Linux over loopback, and measure them",
            define_native},
    Command{"calibrate", "measure what this host's kernel takes for its primitives, and write a platform file",
            define_calibrate},
    Command{"crosscheck", "run a scenario simulated and on this host, and hold the one against the other",
            define_crosscheck},
    Command{"help", "print the help of sluice, or of one command", define_help},
    Command{"version", "print the version, the commit and the version of SystemC", define_version},
};

constexpr const char* kFooter =
    "exit status: 0 all expectations hold, 1 a run or an expectation failed, 2 the input was wrong or this host "
    "refused, "
    "130 interrupted";
constexpr const char* kMainFooter =
    "sluice help COMMAND says more about a command. The main job:\n"
    "  sluice compare scenarios/article.yaml\n"
    "  sluice compare scenarios/article.yaml --set nic.rate=100Gbps --file README.md\n\n";

void add_globals(CLI::App& app, GlobalOptions& globals) {
  app.add_flag("--quiet,-q", globals.quiet, "print failures only");
  app.set_version_flag("--version,-V", version_text(), "print the version");
}

/// "; did you mean 'compare'?", or what else helps.
std::string hint(const std::string& word, const std::vector<std::string>& known, const std::string& otherwise) {
  const std::string near = base::nearest_name(word, known);
  return near.empty() ? otherwise : fmt::format("; did you mean '{}'?", near);
}

/// The first word that is no option, when it names no command.
void refuse_unknown_command(int argc, const char* const* argv) {
  const auto* const end = argv + argc;
  const auto* const word = std::find_if(argv + 1, end, [](const char* text) { return text[0] != '-'; });
  std::vector<std::string> names;
  for (const Command& command : kCommands) names.emplace_back(command.name);
  if (word == end || std::find(names.begin(), names.end(), *word) != names.end()) return;
  std::error_code ignored;
  const bool is_file = std::filesystem::is_regular_file(*word, ignored);
  throw base::InputError{fmt::format("there is no command '{}'{}", *word,
                                     is_file ? fmt::format(" (sluice compare {} runs a scenario)", *word)
                                             : hint(*word, names, " (sluice help lists them)"))};
}

/// What the parser says, in one sentence that names the command's help.
base::InputError refusal(const CLI::App& app, const CLI::ParseError& stop) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  const CLI::App& command = chosen.empty() ? app : *chosen.front();
  const std::string help = chosen.empty() ? "sluice help" : "sluice help " + command.get_name();
  const std::vector<std::string> unknown = app.remaining(true);
  const auto option = std::find_if(unknown.begin(), unknown.end(), [](const auto& word) { return word[0] == '-'; });
  if (option == unknown.end()) return base::InputError{fmt::format("{} ({} says more)", stop.what(), help)};
  std::vector<std::string> names;
  for (const CLI::Option* known : command.get_options()) {
    for (const std::string& name : known->get_lnames()) names.push_back("--" + name);
  }
  return base::InputError{
      fmt::format("there is no option '{}'{}", *option, hint(*option, names, fmt::format(" ({} lists them)", help)))};
}

}  // namespace

int carry_out(int argc, const char* const* argv) {
  CLI::App app{"Sluice: what it costs to send a file, counted on a simulated machine", "sluice"};
  app.footer(std::string{kMainFooter} + kFooter);
  app.require_subcommand(0, 1);
  GlobalOptions globals;
  add_globals(app, globals);
  std::vector<std::pair<CLI::App*, Action>> actions;
  for (const Command& command : kCommands) {
    CLI::App* sub = app.add_subcommand(command.name, command.help);
    sub->footer(kFooter);
    add_globals(*sub, globals);
    actions.emplace_back(sub, command.define(*sub, globals));
  }
  refuse_unknown_command(argc, argv);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    if (stop.get_exit_code() != 0) throw refusal(app, stop);
    std::ostringstream help;
    app.exit(stop, help, help);
    print(help.str());
    return kAllHolds;
  }
  for (const auto& [sub, action] : actions) {
    if (sub->parsed()) return action();
  }
  throw base::InputError{"no command is given (sluice help lists them)"};
}

}  // namespace sluice::tool
