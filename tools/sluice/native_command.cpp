// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>

#include "tools/report/comparison.h"
#include "tools/report/native_comparison.h"
#include "tools/simulate/runner.h"
#include "tools/sluice/native_options.h"
#include "tools/sluice/streams.h"

namespace sluice::tool {
namespace {

struct NativeCommandOptions {
  ScenarioOptions scenario;
  crosscheck::NativeOptions native;
  std::string json;
};

int native(const NativeCommandOptions& options, const GlobalOptions& globals) {
  const scenario::Scenario scenario = load(options.scenario, globals);
  refuse_overwriting({{"--json", options.json}}, inputs_of(options.scenario, scenario));
  const auto json = open_output(options.json);
  crosscheck::NativeOptions native_options = options.native;
  native_options.shows_progress = !globals.quiet;
  const std::vector<results::RunResult> runs = crosscheck::run_natively(scenario, native_options);
  if (json) json->commit(results::results_text(scenario.path, runs));
  const bool prints_json = options.json == "-";
  if (prints_json) {
    print(results::results_text(scenario.path, runs));
  } else if (!globals.quiet) {
    print(report::native_comparison(scenario.description, runs));
  }
  if (globals.quiet || prints_json) {
    for (const results::RunResult& run : runs) tell(report::complaints(run));
  }
  return std::all_of(runs.begin(), runs.end(), [](const auto& run) { return run.succeeded(); }) ? kAllHolds
                                                                                                : kRunFailed;
}

}  // namespace

void add_native(CLI::App& app, crosscheck::NativeOptions& options) {
  add_number(app, "--repetitions", options.repetitions, 1, 1000,
             "transfers that are measured, of each strategy in turn", "N");
  add_number(app, "--warm-up", options.warm_up, 0, 1000, "transfers before them that are not", "N");
  add_path(app, "--directory", options.directory, "where the test files lie, instead of $TMPDIR or /tmp", "DIR");
  app.add_flag("--verify", options.verify, "the receiver reads and hashes every byte instead of discarding it");
  add_timeout(app, options.timeout_s, "time after which one transfer counts as failed");
}

Action define_native(CLI::App& app, const GlobalOptions& globals) {
  const auto options = std::make_shared<NativeCommandOptions>();
  add_scenario(app, options->scenario);
  add_native(app, options->native);
  add_json(app, options->json);
  return [options, &globals] { return native(*options, globals); };
}

}  // namespace sluice::tool
