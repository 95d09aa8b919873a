// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/runner.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "models/base/result.h"
#include "tools/simulate/child.h"
#include "tools/simulate/progress.h"
#include "tools/simulate/receiver.h"
#include "tools/simulate/run_heading.h"
#include "tools/simulate/simulate.h"

namespace sluice::tool {
namespace {

using report::Json;

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

/// What the machine and the kernel can do, as far as it explains the counts.
Json features_of(const scenario::RunPlan& plan) {
  scenario::Configuration configuration = plan.configuration;
  scenario::ParameterIndex index{configuration};
  Json features = Json::object();
  for (const char* key : {"nic.gather", "nic.checksum_offload", "nic.segmentation_offload", "kernel.net.gso"}) {
    if (const auto parameter = index.find(key)) features[key] = parameter->get();
  }
  return features;
}

Json complete(const scenario::RunPlan& plan, const RunResult& result) {
  Json run = heading_of(plan, "simulated");
  run["features"] = features_of(plan);
  run.update(result);
  if (!run.contains("failures")) run["failures"] = Json::array();
  if (run.contains("time")) run["expectations"] = scenario::evaluate(plan.expectations, run);
  return run;
}

}  // namespace

bool succeeded(const Json& run) {
  if (!report::failures_of(run).empty()) return false;
  const Json expectations = run.value("expectations", Json::array());
  return std::all_of(expectations.begin(), expectations.end(), [](const Json& e) { return e.value("holds", false); });
}

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

Json run_all(scenario::Scenario& scenario, const RunOptions& options) {
  const std::vector<std::string> received = received_files(scenario, options);
  if (!received.empty()) make_directory(options.received);
  Progress progress{options.shows_progress, scenario.plans.size()};
  Json runs = Json::array();
  for (std::size_t i = 0; i < scenario.plans.size(); ++i) {
    scenario::RunPlan& plan = scenario.plans[i];
    if (!received.empty()) plan.received = received[i];
    const ChildLimits limits{std::chrono::seconds{options.timeout_s},
                             [&](std::chrono::seconds elapsed) { progress.tick(i + 1, plan.strategy, elapsed); }};
    try {
      runs.push_back(complete(plan, run_in_child([&] { return simulate(plan); }, limits)));
    } catch (...) {
      remove_unfinished(plan.received);
      throw;
    }
    if (!runs.back().contains("time")) remove_unfinished(plan.received);
    progress.clear();
  }
  return runs;
}

}  // namespace sluice::tool
