// SPDX-License-Identifier: Apache-2.0
// compare and run: the strategies of a scenario on simulated machines, as a table or each in full.
#include <memory>
#include <utility>

#include "models/base/result.h"
#include "tools/report/comparison.h"
#include "tools/report/csv.h"
#include "tools/report/details.h"
#include "tools/report/graph.h"
#include "tools/report/strace.h"
#include "tools/scenario/dump.h"
#include "tools/simulate/receiver.h"
#include "tools/simulate/runner.h"
#include "tools/sluice/command.h"
#include "tools/sluice/streams.h"

namespace sluice::tool {
namespace {

struct SimulationOptions {
  ScenarioOptions scenario;
  simulate::RunOptions run;
  std::string json;
  std::string csv;
  std::string graph;
  bool dump_config = false;
  bool strace = false;
};

using Describe = std::string (*)(const std::string& description, const report::Runs& runs);

std::string side_by_side(const std::string& description, const report::Runs& runs) {
  return report::comparison(description, runs);
}

std::string one_by_one(const std::string& description, const report::Runs& runs) {
  std::string text = description.empty() ? "" : description + "\n";
  for (const report::RunResult& run : runs) text += "\n" + report::details(run);
  return text;
}

void refuse_overwriting(const SimulationOptions& options, const scenario::Scenario& scenario) {
  std::vector<NamedFile> outputs{{"--json", options.json}, {"--csv", options.csv}, {"--graph", options.graph}};
  for (const std::string& path : simulate::received_files(scenario, options.run)) {
    outputs.push_back({"--received", path});
    outputs.push_back({"--received", simulate::unfinished_name(path)});
  }
  refuse_overwriting(std::move(outputs), inputs_of(options.scenario, scenario));
}

int simulate_all(const SimulationOptions& options, const GlobalOptions& globals, Describe describe) {
  if (options.dump_config && !(options.json + options.csv + options.graph + options.run.received).empty()) {
    throw base::InputError{"--dump-config runs nothing that --json, --csv, --graph or --received could hold"};
  }
  scenario::Scenario scenario = load(options.scenario, globals, options.strace);
  if (!options.run.received.empty() && scenario.common.programs.any()) {
    throw base::InputError{"--received is for strategies; what programs receive is theirs"};
  }
  if (options.dump_config) {
    print(scenario::dump(scenario));
    return kAllHolds;
  }
  refuse_overwriting(options, scenario);
  const auto json = open_output(options.json);
  const auto csv = open_output(options.csv);
  const auto graph = open_output(options.graph);
  simulate::RunOptions run_options = options.run;
  run_options.shows_progress = !globals.quiet;
  run_options.digest = !(options.json + options.csv).empty() || (describe == one_by_one && !globals.quiet);
  report::Runs runs = simulate::run_all(scenario, run_options);
  if (!globals.quiet) {
    for (const std::string& warning : scenario.warnings) say("warning: " + warning);
  }
  bool failed = false;
  for (report::RunResult& run : runs) {
    failed = failed || !run.succeeded();
    if (options.strace) tell(report::strace_text(run));
    run.strace.reset();
  }
  if (json) json->commit(results::results_text(scenario.path, runs));
  if (csv) csv->commit(report::csv(runs));
  if (graph) graph->commit(report::data_flow_graph(scenario.description, runs));
  const bool prints_json = options.json == "-";
  if (prints_json) {
    print(results::results_text(scenario.path, runs));
  } else if (!globals.quiet) {
    print(describe(scenario.description, runs));
  }
  if (globals.quiet || prints_json) {
    for (const report::RunResult& run : runs) tell(report::complaints(run));
  }
  return failed ? kRunFailed : kAllHolds;
}

Action define(CLI::App& app, const GlobalOptions& globals, Describe describe) {
  const auto options = std::make_shared<SimulationOptions>();
  add_scenario(app, options->scenario);
  add_path(app, "--received", options->run.received, "keep what the peer received, one file per strategy", "DIR");
  add_json(app, options->json);
  add_path(app, "--csv", options->csv, "write the results as CSV, a row per run", "FILE.csv");
  add_path(app, "--graph", options->graph, "write the observed data flow for Graphviz", "FILE.dot");
  add_timeout(app, options->run.timeout_s, "wall time after which one run counts as failed");
  add_number(app, "--jobs,-j", options->run.jobs, 1, 4096, "runs at a time; the results do not depend on it", "N");
  app.add_flag("--dump-config", options->dump_config,
               "print the scenario with every parameter, as one file that gives the same runs, and do not run");
  app.add_flag("--strace", options->strace, "print each task's system calls with simulated time on standard error");
  return [options, &globals, describe] { return simulate_all(*options, globals, describe); };
}

}  // namespace

Action define_compare(CLI::App& app, const GlobalOptions& globals) { return define(app, globals, side_by_side); }
Action define_run(CLI::App& app, const GlobalOptions& globals) { return define(app, globals, one_by_one); }

}  // namespace sluice::tool
