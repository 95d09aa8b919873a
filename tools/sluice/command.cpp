// SPDX-License-Identifier: Apache-2.0
#include "tools/sluice/command.h"

#include "tools/sluice/streams.h"

namespace sluice::tool {
namespace {

std::string refuse_empty(const std::string& text) { return text.empty() ? "is empty" : ""; }

}  // namespace

void add_scenario(CLI::App& app, ScenarioOptions& options) {
  add_path(app, "scenario", options.path, "scenario file (see scenarios/README.md)", "FILE")->required();
  add_settings(app, options);
}

void add_settings(CLI::App& app, ScenarioOptions& options) {
  app.add_option("--set", options.sets, "set one parameter, e.g. --set nic.rate=10Gbps; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  add_path(app, "--file", options.file, "send this file of the host instead of the scenario's", "PATH");
}

scenario::Scenario load(const ScenarioOptions& options, const GlobalOptions& globals, bool strace) {
  scenario::Scenario loaded =
      scenario::load_scenario(options.path, {options.file, options.sets, strace, options.platform});
  if (!globals.quiet) {
    for (const std::string& warning : loaded.warnings) say("warning: " + warning);
  }
  return loaded;
}

std::vector<NamedFile> inputs_of(const ScenarioOptions& options, const scenario::Scenario& scenario) {
  std::vector<NamedFile> inputs{{"the scenario", options.path}};
  if (scenario.plans.empty()) return inputs;
  const scenario::Configuration& configuration = scenario.plans.front().configuration;
  inputs.push_back({"the file to send", configuration.workload.path});
  for (const scenario::FileChoice& file : configuration.programs.files) inputs.push_back({"a file", file.path});
  for (const scenario::ProcessChoice& process : configuration.programs.processes) {
    inputs.push_back({"a program", process.program->name()});
  }
  for (const std::string& path : configuration.files) inputs.push_back({"the platform", path});
  return inputs;
}

CLI::Option* add_path(CLI::App& app, const char* name, std::string& path, const char* help, const char* type) {
  return app.add_option(name, path, help)->type_name(type)->check(refuse_empty);
}

void add_json(CLI::App& app, std::string& path) {
  add_path(app, "--json", path, "write the results as JSON; - is standard output, instead of the table", "PATH|-");
}

void add_timeout(CLI::App& app, unsigned& seconds, const char* what) {
  add_number(app, "--timeout", seconds, 1, 1'000'000, what, "SECONDS");
}

void add_number(CLI::App& app, const char* name, unsigned& number, unsigned least, unsigned most, const char* help,
                const char* type) {
  app.add_option(name, number, help)
      ->check(CLI::Range(least, most).description(""))
      ->type_name(type)
      ->capture_default_str();
}

}  // namespace sluice::tool
