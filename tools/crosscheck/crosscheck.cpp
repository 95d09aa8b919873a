// SPDX-License-Identifier: Apache-2.0
#include "tools/crosscheck/crosscheck.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "tools/crosscheck/bracket.h"
#include "tools/crosscheck/crosscheck_cells.h"
#include "tools/crosscheck/native_programs.h"
#include "tools/crosscheck/program_cells.h"
#include "tools/report/run_text.h"
#include "tools/report/text.h"
#include "tools/simulate/runner.h"

namespace sluice::crosscheck {
namespace {

using results::Cell;
using results::CrosscheckResult;
using results::RunResult;

void refuse_what_is_no_loopback(const scenario::Scenario& scenario) {
  for (const scenario::RunPlan& plan : scenario.plans) {
    if (!plan.configuration.machine.is_loopback()) {
      throw base::InputError{
          scenario.path + ": a cross-check needs a platform without a network card, for this host sends over loopback"};
    }
  }
}

void add_programs(CrosscheckResult& result, const RunResult& simulated, const RunResult& native) {
  for (Cell& cell : program_cells(simulated, native)) result.cells.push_back(std::move(cell));
  const std::string point = native.point ? report::point_text(native.point) + ": " : "";
  for (results::SamplePair& pair : sample_pairs(simulated, native)) {
    if (!result.samples) result.samples.emplace();
    result.samples->push_back(std::move(pair));
  }
  for (const std::string& difference : program_differences(simulated, native)) {
    if (!result.differences) result.differences.emplace();
    result.differences->push_back(point + difference);
  }
}

}  // namespace

std::vector<std::string> warnings_of(const scenario::Scenario& scenario, const std::string& this_cpu) {
  const auto& host = scenario.plans.front().configuration.host;
  if (!host) return {"the platform was calibrated on no host: its costs are published or estimated"};
  std::vector<std::string> warnings;
  if (host->cpu != this_cpu) {
    warnings.push_back(fmt::format("the platform was calibrated on '{}', and this host is '{}'", host->cpu, this_cpu));
  }
  const auto outside = std::count_if(scenario.plans.begin(), scenario.plans.end(), [&](const scenario::RunPlan& plan) {
    if (runs_programs(plan)) return false;
    const Bytes chunk = plan.configuration.workload.chunk;
    return chunk < host->smallest_chunk || chunk > host->largest_chunk;
  });
  if (outside > 0) {
    warnings.push_back(fmt::format("{} of {} runs have chunks outside of what was calibrated, {} to {}", outside,
                                   scenario.plans.size(), report::size_text(static_cast<double>(host->smallest_chunk)),
                                   report::size_text(static_cast<double>(host->largest_chunk))));
  }
  return warnings;
}

CrosscheckResult run(scenario::Scenario& scenario, const Options& options, const CalibratedAgain& again) {
  refuse_what_is_no_loopback(scenario);
  if (options.native.verify && !options.counts_only) {
    throw base::InputError{
        "--verify: add --counts-only; the host's receiver would read and hash what the simulated one discards, so that "
        "their times cannot be held against each other"};
  }
  NativeOptions native_options = options.native;
  if (options.counts_only) {
    native_options.repetitions = 1;
    native_options.warm_up = 0;
  }
  const std::vector<RunResult> native = run_natively(scenario, native_options);
  std::optional<scenario::Scenario> after;
  if (again) after = again();
  CrosscheckResult result;
  result.scenario = scenario.path;
  result.description = scenario.description;
  const auto predicted = [&](scenario::Scenario& calibrated) {
    return simulate::run_all(
        calibrated,
        {.received = {}, .timeout_s = options.native.timeout_s, .shows_progress = options.native.shows_progress});
  };
  result.runs = predicted(scenario);
  std::optional<Drift> drift;
  if (after) drift = take_mean(result.runs, predicted(*after));
  for (std::size_t i = 0; i < native.size(); ++i) {
    if (runs_programs(scenario.plans.at(i))) {
      add_programs(result, result.runs.at(i), native[i]);
    } else {
      result.cells.push_back(cell_of(result.runs.at(i), native[i]));
    }
  }
  result.runs.insert(result.runs.end(), native.begin(), native.end());
  result.summary = summarise_cells(result.cells, options.counts_only);
  if (drift) {
    result.summary.cpu_drift_percent = drift->mean_percent;
    result.summary.cpu_drift_worst_percent = drift->worst_percent;
  }
  result.breaches = breaches_of(result.summary, scenario.tolerance);
  if (!options.counts_only) result.crossovers = crossovers_of(result.cells);
  return result;
}

}  // namespace sluice::crosscheck
