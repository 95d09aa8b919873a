// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/runner.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <sched.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "models/base/result.h"
#include "tools/results/json_io.h"
#include "tools/simulate/child.h"
#include "tools/simulate/host_memory.h"
#include "tools/simulate/inputs.h"
#include "tools/simulate/progress.h"
#include "tools/simulate/receiver.h"
#include "tools/simulate/run_heading.h"
#include "tools/simulate/settings_without_effect.h"
#include "tools/simulate/simulate.h"

namespace sluice::simulate {
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

/// Gives the received file of a run its name, or removes it when the run failed.
void settle(const std::string& path, const RunResult& run) {
  if (path.empty()) return;
  if (!run.failures.empty()) return remove_unfinished(path);
  std::error_code error;
  std::filesystem::rename(unfinished_name(path), path, error);
  if (error) throw base::InputError{fmt::format("cannot write received file {}: {}", path, error.message())};
}

std::vector<std::string> failures_in(const Json& reply) {
  return results::from_json<std::vector<std::string>>(reply.at("failures"));
}

/// The result of a child, or the failure of one that did not come to an end.
RunResult result_of(const scenario::RunPlan& plan, const Outcome& outcome) {
  if (outcome.result.contains("strategy")) {
    RunResult run = results::from_json<RunResult>(outcome.result);
    if (run.simulator) run.simulator->wall_s = outcome.took.count();
    return run;
  }
  RunResult run = heading_of(plan, results::kSimulated);
  run.failures = failures_in(outcome.result);
  return run;
}

/// Puts the digest of what was sent into a run that delivered it.
void add_digest(RunResult& run, const Json& digest) {
  if (!run.delivered || run.delivered->sha256) return;
  if (digest.contains("sha256")) {
    run.delivered->sha256 = digest["sha256"].get<std::string>();
  } else {
    for (std::string& failure : failures_in(digest)) run.failures.push_back("digest: " + std::move(failure));
  }
}

/// As many runs at a time as were asked for and this host has memory for.
unsigned jobs_of(const std::vector<scenario::RunPlan>& plans, unsigned wanted) {
  Bytes largest = 1;
  for (const scenario::RunPlan& plan : plans) largest = std::max(largest, memory_needed(plan));
  const Bytes available = memory_available();
  return available == 0 ? wanted : static_cast<unsigned>(std::clamp<Bytes>(available / largest, 1, wanted));
}

bool wants_digest(const scenario::RunPlan& plan, const RunOptions& options) {
  const auto asks = [](const scenario::Expectation& e) { return e.path == "delivered.sha256"; };
  return options.digest || std::any_of(plan.expectations.begin(), plan.expectations.end(), asks);
}

/// The works of a scenario: each run, and after the first run that sends a content the digest of it.
struct Agenda {
  struct Item {
    const scenario::RunPlan* plan;
    bool digest = false;
  };
  std::vector<Item> items;
  std::vector<std::size_t> runs;                    // by plan: index of its run
  std::vector<std::optional<std::size_t>> digests;  // by plan: index of the digest of what it sends, where asked for

  Agenda(const std::vector<scenario::RunPlan>& plans, const RunOptions& options) {
    for (const scenario::RunPlan& plan : plans) {
      runs.push_back(items.size());
      items.push_back({&plan});
      digests.push_back(wants_digest(plan, options) ? std::optional{digest_of(plan)} : std::nullopt);
    }
  }
  [[nodiscard]] std::vector<Work> works() const {
    std::vector<Work> works;
    for (const auto& [plan, digest] : items) {
      if (digest) {
        works.push_back([plan = plan] { return Json{{"sha256", sha256_of(stream_of(plan->configuration.workload))}}; });
      } else {
        works.push_back([plan = plan] { return results::to_json(run(*plan)); });
      }
    }
    return works;
  }

 private:
  std::size_t digest_of(const scenario::RunPlan& plan) {
    const scenario::Workload& wanted = plan.configuration.workload;
    const auto found = std::find_if(items.begin(), items.end(), [&](const Item& item) {
      const scenario::Workload& workload = item.plan->configuration.workload;
      return item.digest && same_files(workload, wanted) && workload.deliveries() == wanted.deliveries();
    });
    if (found != items.end()) return static_cast<std::size_t>(found - items.begin());
    items.push_back({&plan, true});
    return items.size() - 1;
  }
};

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

unsigned cores() {
  cpu_set_t usable;
  return sched_getaffinity(0, sizeof usable, &usable) == 0 ? static_cast<unsigned>(CPU_COUNT(&usable)) : 1U;
}

std::vector<RunResult> run_all(scenario::Scenario& scenario, const RunOptions& options) {
  const std::vector<std::string> received = received_files(scenario, options);
  refuse_without_memory(scenario);
  if (!received.empty()) make_directory(options.received);
  for (std::size_t i = 0; i < received.size(); ++i) scenario.plans[i].received = received[i];

  const Agenda agenda{scenario.plans, options};
  Progress progress{options.shows_progress, agenda.items.size()};
  const ChildLimits limits{std::chrono::seconds{options.timeout_s},
                           [&](std::size_t index, std::chrono::seconds elapsed) {
                             const Agenda::Item& item = agenda.items[index];
                             progress.tick(index + 1, item.digest ? "digest" : item.plan->strategy, elapsed);
                           }};
  std::vector<Outcome> outcomes;
  try {
    outcomes = run_in_children(agenda.works(), jobs_of(scenario.plans, options.jobs), limits);
  } catch (...) {
    for (const scenario::RunPlan& plan : scenario.plans) remove_unfinished(plan.received);
    throw;
  }
  std::vector<RunResult> runs;
  for (std::size_t i = 0; i < scenario.plans.size(); ++i) {
    const scenario::RunPlan& plan = scenario.plans[i];
    RunResult& run = runs.emplace_back(result_of(plan, outcomes[agenda.runs[i]]));
    settle(plan.received, run);
    if (agenda.digests[i]) add_digest(run, outcomes[*agenda.digests[i]].result);
    if (run.complete()) run.expectations = scenario::evaluate(plan.expectations, run, plan.changed);
  }
  scenario.warnings = settings_without_effect(scenario, runs);
  return runs;
}

}  // namespace sluice::simulate
