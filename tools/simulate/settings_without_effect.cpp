// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/settings_without_effect.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "tools/results/json_io.h"

namespace sluice::simulate {
namespace {

using results::RunResult;

/// What the machine and the kernel did, without what the run was told.
std::string observed(const RunResult& run) {
  RunResult did = run;
  did.settings = {};
  did.point.reset();
  did.features.reset();
  did.workload.reset();
  did.bound.reset();
  did.unused_settings.reset();
  did.simulator.reset();
  did.expectations.reset();
  return results::to_json(did).dump();
}

/// A run's strategy and point, without one of the point's keys.
std::string place_without(const scenario::RunPlan& plan, const std::string& without) {
  std::string place = plan.strategy;
  for (const auto& [key, value] : plan.point) {
    if (key != without) place += fmt::format(" {}={}", key, value);
  }
  return place;
}

bool makes_no_difference(const std::string& key, const scenario::Scenario& scenario,
                         const std::vector<RunResult>& runs) {
  std::map<std::string, std::set<std::string>> results;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (!runs[i].complete()) return false;  // it failed
    results[place_without(scenario.plans[i], key)].insert(observed(runs[i]));
  }
  return std::all_of(results.begin(), results.end(), [](const auto& entry) { return entry.second.size() == 1; });
}

}  // namespace

WatchedCosts::WatchedCosts(scenario::RunPlan& plan) {
  const scenario::ParameterIndex index{plan.configuration};
  for (const auto& [key, value] : plan.settings) {
    if (!key.starts_with("kernel.")) continue;  // the machine's are read when it is built
    const auto parameter = index.find(key);
    CpuCost* const cost = parameter ? parameter->as_cost() : nullptr;
    if (cost != nullptr) cost->watch(m_used[key]);
  }
}

std::vector<std::string> WatchedCosts::unused() const {
  std::vector<std::string> keys;
  for (const auto& [key, used] : m_used) {
    if (!used) keys.push_back(key);
  }
  return keys;
}

std::vector<std::string> settings_without_effect(const scenario::Scenario& scenario,
                                                 const std::vector<RunResult>& runs) {
  std::map<std::string, bool> unused;  // by every run that has it set
  std::set<std::string> varied;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (!runs[i].complete()) continue;
    const std::vector<std::string> of_run = runs[i].unused_settings.value_or(std::vector<std::string>{});
    for (const auto& [key, value] : scenario.plans[i].settings) {
      const bool here = std::find(of_run.begin(), of_run.end(), key) != of_run.end();
      const auto [entry, first] = unused.try_emplace(key, here);
      if (!first) entry->second = entry->second && here;
    }
    if (runs.size() > 1) {
      for (const auto& [key, value] : scenario.plans[i].point) varied.insert(key);
    }
  }
  std::vector<std::string> sentences;
  for (const auto& [key, in_all] : unused) {
    if (in_all) sentences.push_back(fmt::format("{} has no effect: no part of a run pays this cost", key));
  }
  for (const std::string& key : varied) {
    const bool several = std::any_of(scenario.plans.begin(), scenario.plans.end(), [&](const scenario::RunPlan& plan) {
      return place_without(plan, key) == place_without(scenario.plans.front(), key) &&
             plan.point != scenario.plans.front().point;
    });
    if (several && !unused[key] && makes_no_difference(key, scenario, runs)) {
      sentences.push_back(fmt::format("{} has no effect: all its values give the same results", key));
    }
  }
  return sentences;
}

}  // namespace sluice::simulate
