// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <memory>

#include "tools/crosscheck/crosscheck.h"
#include "tools/report/crosscheck_table.h"
#include "tools/report/scatter.h"
#include "tools/results/json_io.h"
#include "tools/sluice/native_options.h"
#include "tools/sluice/streams.h"

namespace sluice::tool {
namespace {

struct CrosscheckCommandOptions {
  ScenarioOptions scenario;
  CrosscheckOptions crosscheck;
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

int crosscheck(const CrosscheckCommandOptions& options, const GlobalOptions& globals) {
  scenario::Scenario scenario = load(options.scenario, globals);
  refuse_overwriting({{"--json", options.json}, {"--plot", options.plot}}, inputs_of(options.scenario, scenario));
  const auto json = open_output(options.json);
  const auto plot = open_output(options.plot);
  if (!globals.quiet) {
    for (const std::string& warning : crosscheck_warnings(scenario, cpu_model())) say("warning: " + warning);
  }
  CrosscheckOptions both = options.crosscheck;
  both.native.shows_progress = !globals.quiet;
  const results::CrosscheckResult result = crosscheck(scenario, both);
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
  add_path(app, "--platform", options->scenario.platform,
           "the simulated machine, instead of the scenario's; sluice calibrate writes one", "FILE.yaml");
  add_native(app, options->crosscheck.native);
  app.add_flag("--counts-only", options->crosscheck.counts_only, "compare counts and no times, from one transfer each");
  add_json(app, options->json);
  add_path(app, "--plot", options->plot, "draw predicted over measured CPU time", "FILE.svg");
  return [options, &globals] { return crosscheck(*options, globals); };
}

}  // namespace sluice::tool
