// SPDX-License-Identifier: Apache-2.0
#include "tools/sluice/commands.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "models/base/result.h"
#include "tools/calibrate/calibrate.h"
#include "tools/crosscheck/crosscheck.h"
#include "tools/crosscheck/native_runs.h"
#include "tools/report/comparison.h"
#include "tools/report/crosscheck_table.h"
#include "tools/report/graph.h"
#include "tools/report/native_comparison.h"
#include "tools/report/scatter.h"
#include "tools/report/strace.h"
#include "tools/scenario/dump.h"
#include "tools/scenario/scenario.h"
#include "tools/simulate/runner.h"
#include "tools/sluice/output_file.h"

namespace sluice::tool {
namespace {

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

scenario::Scenario load(const Options& options) {
  scenario::Scenario loaded =
      scenario::load_scenario(options.scenario, {options.file, options.sets, options.strace, options.platform});
  if (!options.quiet) {
    for (const std::string& warning : loaded.warnings) std::fprintf(stderr, "sluice: warning: %s\n", warning.c_str());
  }
  return loaded;
}

int check(const Options& options) {
  const scenario::Scenario scenario = load(options);
  fmt::print("{}: {} runs, nothing wrong\n", options.scenario, scenario.plans.size());
  return kAllHolds;
}

int describe(const Options& options) {
  if (!options.scenario.empty()) {
    print(scenario::describe(load(options).plans.front().configuration));
    return kAllHolds;
  }
  if (!options.sets.empty() || !options.file.empty()) throw base::InputError{"--set and --file need a scenario"};
  print(scenario::describe({}));
  return kAllHolds;
}

int dump_configuration(const scenario::Scenario& scenario) {
  std::string between;
  for (const scenario::RunPlan& plan : scenario.plans) {
    print(between + scenario::dump(plan));
    between = "---\n";
  }
  return kAllHolds;
}

bool same_file(const std::string& one, const std::string& other) {
  std::error_code ignored;
  return std::filesystem::equivalent(one, other, ignored) ||
         std::filesystem::weakly_canonical(one, ignored) == std::filesystem::weakly_canonical(other, ignored);
}

/// Results must not take the place of what they were made from, or of each other.
void refuse_overwriting(const Options& options) {
  const auto is_written = [](const std::string& path) {
    std::error_code ignored;
    return !path.empty() && path != "-" && !std::filesystem::is_character_file(path, ignored);
  };
  const std::vector<std::pair<const char*, std::string>> outputs{
      {"--json", options.json}, {"--graph", options.graph}, {"--plot", options.plot}};
  for (const auto& [option, path] : outputs) {
    if (!is_written(path)) continue;
    for (const std::string& input : {options.scenario, options.file, options.platform}) {
      if (!input.empty() && same_file(path, input)) {
        throw base::InputError{fmt::format("{}: {} is what is read", option, path)};
      }
    }
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    for (std::size_t j = i + 1; j < outputs.size(); ++j) {
      if (!is_written(outputs[i].second) || !is_written(outputs[j].second)) continue;
      if (!same_file(outputs[i].second, outputs[j].second)) continue;
      throw base::InputError{
          fmt::format("{} and {}: both are {}", outputs[i].first, outputs[j].first, outputs[i].second)};
    }
  }
}

std::unique_ptr<OutputFile> open_output(const std::string& path) {
  return path.empty() || path == "-" ? nullptr : std::make_unique<OutputFile>(path);
}

int run(const Options& options) {
  scenario::Scenario scenario = load(options);
  if (options.dump_config) return dump_configuration(scenario);

  refuse_overwriting(options);
  const auto json = open_output(options.json);
  const auto graph = open_output(options.graph);
  report::Json runs = run_all(scenario, options);
  bool failed = false;
  for (report::Json& run : runs) {
    failed = failed || !succeeded(run);
    if (options.strace) std::fputs(report::strace_text(run).c_str(), stderr);
    run.erase("strace");
  }
  if (json) json->commit(report::results_text(options.scenario, runs));
  if (graph) graph->commit(report::data_flow_graph(runs));

  if (options.json == "-") {
    print(report::results_text(options.scenario, runs));
  } else if (options.command == Command::Compare && !options.quiet) {
    print(report::comparison(scenario.description, runs));
  } else if (!options.quiet) {
    print(scenario.description.empty() ? "" : scenario.description + "\n");
    for (const report::Json& run : runs) print("\n" + report::details(run));
  }
  if (options.quiet || options.json == "-") {
    for (const report::Json& run : runs) std::fputs(report::complaints(run).c_str(), stderr);
  }
  return failed ? kRunFailed : kAllHolds;
}

int native(const Options& options) {
  const scenario::Scenario scenario = load(options);
  refuse_overwriting(options);
  const auto json = open_output(options.json);
  const report::Json runs = run_natively(scenario, options);
  if (json) json->commit(report::results_text(options.scenario, runs));
  if (options.json == "-") {
    print(report::results_text(options.scenario, runs));
  } else if (!options.quiet) {
    print(report::native_comparison(scenario.description, runs));
  }
  if (options.quiet || options.json == "-") {
    for (const report::Json& run : runs) std::fputs(report::complaints(run).c_str(), stderr);
  }
  return std::all_of(runs.begin(), runs.end(), succeeded) ? kAllHolds : kRunFailed;
}

std::string cpu_model() {
  std::ifstream file{"/proc/cpuinfo"};
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

int crosscheck(const Options& options) {
  scenario::Scenario scenario = load(options);
  refuse_overwriting(options);
  const auto json = open_output(options.json);
  const auto plot = open_output(options.plot);
  if (!options.quiet) {
    for (const std::string& warning : crosscheck_warnings(scenario, cpu_model())) {
      std::fprintf(stderr, "sluice: warning: %s\n", warning.c_str());
    }
  }
  const report::Json result = crosscheck(scenario, options);
  const std::string text = report::json_text(result);
  if (json) json->commit(text);
  if (plot) plot->commit(report::scatter_svg(result));
  if (options.json == "-") {
    print(text);
  } else if (!options.quiet) {
    print(report::crosscheck_table(result));
  }
  if (options.quiet || options.json == "-") {
    for (const report::Json& breach : result["breaches"]) {
      std::fprintf(stderr, "OUT OF TOLERANCE: %s\n", breach.get<std::string>().c_str());
    }
  }
  return result["breaches"].empty() ? kAllHolds : kRunFailed;
}

}  // namespace

int carry_out(const Options& options) {
  switch (options.command) {
    case Command::Check:
      return check(options);
    case Command::Describe:
      return describe(options);
    case Command::Calibrate:
      return calibrate(options);
    case Command::Run:
    case Command::Compare:
      return run(options);
    case Command::Native:
      return native(options);
    case Command::Crosscheck:
      return crosscheck(options);
  }
  return kBadInput;
}

}  // namespace sluice::tool
