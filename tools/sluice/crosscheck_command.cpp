// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>
#include <memory>

#include <fmt/format.h>

#include "tools/calibrate/calibrate.h"
#include "tools/crosscheck/crosscheck.h"
#include "tools/report/crosscheck_table.h"
#include "tools/report/scatter.h"
#include "tools/results/json_io.h"
#include "tools/sluice/native_options.h"
#include "tools/sluice/output_file.h"
#include "tools/sluice/streams.h"

namespace sluice::tool {
namespace {

// The platforms that --bracket writes into its folder.
constexpr const char* kBefore = "before.yaml";
constexpr const char* kAfter = "after.yaml";

struct CrosscheckCommandOptions {
  ScenarioOptions scenario;
  crosscheck::Options run;
  std::string bracket;  ///< a folder; empty: the platform is given
  std::string json;
  std::string plot;
};

std::string cpu_model() {
  std::ifstream file{"/proc/cpuinfo"};
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string in_bracket(const CrosscheckCommandOptions& options, const char* name) {
  return options.bracket.empty() ? "" : (std::filesystem::path{options.bracket} / name).string();
}

void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directory(path, error);
  if (error) throw base::InputError{fmt::format("--bracket {}: {}", path, error.message())};
}

/// The scenario on this host as it is now.
scenario::Scenario calibrated(const CrosscheckCommandOptions& options, const char* name, const GlobalOptions& globals) {
  ScenarioOptions scenario = options.scenario;
  scenario.platform = in_bracket(options, name);
  OutputFile out{scenario.platform};
  const calibrate::Calibrated host = calibrate::run(
      {.name = scenario.platform, .folder = options.bracket, .compares = false, .shows_progress = !globals.quiet});
  out.commit(host.platform);
  if (!globals.quiet) {
    for (const std::string& note : host.notes) say(note);
  }
  return load(scenario, globals);
}

int crosscheck(const CrosscheckCommandOptions& options, const GlobalOptions& globals) {
  scenario::Scenario scenario = load(options.scenario, globals);  // refused now if at all, not after a calibration
  refuse_overwriting({{"--json", options.json},
                      {"--plot", options.plot},
                      {"--bracket", in_bracket(options, kBefore)},
                      {"--bracket", in_bracket(options, kAfter)}},
                     inputs_of(options.scenario, scenario));
  const auto json = open_output(options.json);
  const auto plot = open_output(options.plot);
  crosscheck::CalibratedAgain again;
  if (!options.bracket.empty()) {
    make_folder(options.bracket);
    scenario = calibrated(options, kBefore, globals);
    again = [&] { return calibrated(options, kAfter, globals); };
  }
  if (!globals.quiet) {
    for (const std::string& warning : crosscheck::warnings_of(scenario, cpu_model())) say("warning: " + warning);
  }
  crosscheck::Options both = options.run;
  both.native.shows_progress = !globals.quiet;
  const results::CrosscheckResult result = crosscheck::run(scenario, both, again);
  const std::string text = results::json_text(results::to_json(result));
  if (json) json->commit(text);
  if (plot) plot->commit(report::scatter_svg(result));
  const bool prints_json = options.json == "-";
  if (prints_json) {
    print(text);
  } else if (!globals.quiet) {
    print(report::crosscheck_table(result));
  }
  if (globals.quiet || prints_json) {
    for (const std::string& breach : result.breaches) tell("OUT OF TOLERANCE: " + breach + "\n");
  }
  return result.breaches.empty() ? kAllHolds : kRunFailed;
}

}  // namespace

Action define_crosscheck(CLI::App& app, const GlobalOptions& globals) {
  const auto options = std::make_shared<CrosscheckCommandOptions>();
  add_scenario(app, options->scenario);
  CLI::Option* platform =
      add_path(app, "--platform", options->scenario.platform,
               "the simulated machine, instead of the scenario's; sluice calibrate writes one", "FILE.yaml");
  CLI::Option* bracket =
      add_path(app, "--bracket", options->bracket,
               "calibrate this host before and after the measurement, into before.yaml and after.yaml of this folder, "
               "which is made when there is none; "
               "predict the mean and print the host's drift beside the errors",
               "DIR")
          ->excludes(platform);
  add_native(app, options->run.native);
  app.add_flag("--counts-only", options->run.counts_only, "compare counts and no times, from one transfer each")
      ->excludes(bracket);
  add_json(app, options->json);
  add_path(app, "--plot", options->plot, "draw predicted over measured CPU time", "FILE.svg");
  return [options, &globals] { return crosscheck(*options, globals); };
}

}  // namespace sluice::tool
