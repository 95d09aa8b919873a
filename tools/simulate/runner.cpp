// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/runner.h"

#include <cstdio>
#include <filesystem>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "models/base/result.h"
#include "tools/results/json_io.h"
#include "tools/simulate/child.h"
#include "tools/simulate/host_memory.h"
#include "tools/simulate/progress.h"
#include "tools/simulate/receiver.h"
#include "tools/simulate/run_heading.h"
#include "tools/simulate/settings_without_effect.h"
#include "tools/simulate/simulate.h"

namespace sluice::tool {
namespace {

using results::RunResult;

void make_directory(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (!std::filesystem::is_directory(directory, error) || access(directory.c_str(), W_OK) != 0) {
    throw base::InputError{directory + ": no directory that can be written to"};
  }
}

/// A received file that a dead child left unfinished.
void remove_unfinished(const std::string& path) {
  if (!path.empty()) std::remove(unfinished_name(path).c_str());
}

RunResult complete(const scenario::RunPlan& plan, const results::Json& reply) {
  RunResult run;
  if (reply.contains("strategy")) {
    run = results::from_json<RunResult>(reply);
  } else {  // the child did not come to an end
    run = heading_of(plan, results::kSimulated);
    run.failures = results::from_json<std::vector<std::string>>(reply.at("failures"));
  }
  if (run.complete()) run.expectations = scenario::evaluate(plan.expectations, run, plan.changed);
  return run;
}

}  // namespace

std::vector<std::string> received_files(const scenario::Scenario& scenario, const RunOptions& options) {
  std::vector<std::string> files;
  if (options.received.empty()) return files;
  std::size_t point = 1;
  for (std::size_t i = 0; i < scenario.plans.size(); ++i) {
    const scenario::RunPlan& plan = scenario.plans[i];
    if (i > 0 && plan.point != scenario.plans[i - 1].point) ++point;
    const std::string name = plan.point.empty() ? plan.strategy : fmt::format("{}-{}", plan.strategy, point);
    files.push_back((std::filesystem::path{options.received} / name).string());
  }
  return files;
}

std::vector<RunResult> run_all(scenario::Scenario& scenario, const RunOptions& options) {
  const std::vector<std::string> received = received_files(scenario, options);
  refuse_without_memory(scenario);
  if (!received.empty()) make_directory(options.received);
  Progress progress{options.shows_progress, scenario.plans.size()};
  std::vector<RunResult> runs;
  for (std::size_t i = 0; i < scenario.plans.size(); ++i) {
    scenario::RunPlan& plan = scenario.plans[i];
    if (!received.empty()) plan.received = received[i];
    const ChildLimits limits{std::chrono::seconds{options.timeout_s},
                             [&](std::chrono::seconds elapsed) { progress.tick(i + 1, plan.strategy, elapsed); }};
    try {
      runs.push_back(complete(plan, run_in_child([&] { return results::to_json(simulate(plan)); }, limits)));
    } catch (...) {
      remove_unfinished(plan.received);
      throw;
    }
    if (!runs.back().complete()) remove_unfinished(plan.received);
    progress.clear();
  }
  scenario.warnings = settings_without_effect(scenario, runs);
  return runs;
}

}  // namespace sluice::tool
