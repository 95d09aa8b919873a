// SPDX-License-Identifier: Apache-2.0
#include "tools/crosscheck/native_runs.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "models/base/content.h"
#include "tools/crosscheck/native_programs.h"
#include "tools/crosscheck/native_results.h"
#include "tools/native/measured_transfer.h"
#include "tools/report/run_text.h"
#include "tools/report/text.h"
#include "tools/results/json_io.h"
#include "tools/scenario/expansion.h"
#include "tools/simulate/child.h"
#include "tools/simulate/inputs.h"
#include "tools/simulate/progress.h"
#include "tools/simulate/run_heading.h"
#include "tools/simulate/stream_content.h"

namespace sluice::crosscheck {
namespace {

using results::Json;
using results::RunResult;
using scenario::RunPlan;
using scenario::Workload;
using Plans = std::span<const RunPlan>;

/// Transfers that are done, told by the child that makes them.
using Done = native::Shared<std::atomic<std::size_t>>;

/// The first plans of `plans` for which `same(first, plan)` holds.
template <class Same>
Plans leading(Plans plans, Same&& same) {
  const auto end =
      std::find_if_not(plans.begin(), plans.end(), [&](const RunPlan& p) { return same(plans.front(), p); });
  return plans.first(static_cast<std::size_t>(end - plans.begin()));
}

std::filesystem::path directory_of(const NativeOptions& options) {
  if (!options.directory.empty()) return options.directory;
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
  if (error) throw base::InputError{"$TMPDIR: " + error.message()};
  return folder;
}

/// The processes of a workload as they are placed on this host: over loopback, whatever cards the machine has.
scenario::Expansion expansion_of(const RunPlan& plan) {
  const Workload& workload = plan.configuration.workload;
  return scenario::expand(workload, std::max(plan.configuration.machine.cpu.cores, workload.cpus), 0);
}

native::TransferOptions transfer_options(const RunPlan& plan, const NativeOptions& options) {
  const Workload& workload = plan.configuration.workload;
  const scenario::Expansion expansion = expansion_of(plan);
  const std::vector<int> cores = native::choose_cores(expansion.cores());
  native::TransferOptions chosen{
      .strategy = kernel_sim::find_strategy(plan.strategy),
      .chunk = workload.chunk,
      .senders = {},
      .receiver_cpus = {},
      .repeat = workload.repeat,
      .batch = workload.controlled(),
      .socket_buffer = workload.controlled() ? static_cast<int>(scenario::kControlledSocketBuffer) : 0,
      .congestion_control = workload.controlled() ? scenario::kControlledCongestionControl : "",
      .verify = options.verify,
      .time_limit = std::chrono::seconds{options.timeout_s}};
  for (const auto& sender : expansion.senders) chosen.senders.push_back({cores[sender.core], sender.connections});
  for (const auto& connection : expansion.connections) chosen.receiver_cpus.push_back(cores[connection.receiver_core]);
  return chosen;
}

/// Digests of what plans send that send the same files.
class Digests {
 public:
  explicit Digests(bool wanted) : m_wanted(wanted) {}
  /// Of the files so many times one after the other; empty when nobody verifies.
  const std::string& of(const Workload& workload, unsigned times) {
    std::string& digest = m_digests[times];
    if (!m_wanted || !digest.empty()) return digest;
    // No content is kept: one that maps a file of the host would hold its pages in the page cache.
    Workload stream = workload;
    stream.connections = 1;
    stream.repeat = times;
    return digest = base::sha256_of(simulate::stream_of(stream));
  }

 private:
  bool m_wanted;
  std::map<unsigned, std::string> m_digests;
};

/// Transfers of several plans by turns, so that a slow disturbance meets all of them.
class Rounds {
 public:
  Rounds(Plans plans, const native::TestFiles& files, Digests& digests, const NativeOptions& options, Done& done)
      : m_plans(plans), m_files(files), m_options(options), m_done(done), m_runs(plans.size()) {
    for (std::size_t i = 0; i < plans.size(); ++i) {
      const Workload& workload = plans[i].configuration.workload;
      m_runs[i] = {.payload = files.bytes() * workload.deliveries(),
                   .sha256 = digests.of(workload, workload.connections * workload.repeat),
                   .sha256_of_connection = digests.of(workload, workload.repeat),
                   .warm_up = options.warm_up,
                   .cores = expansion_of(plans[i]).cores(),
                   .core = reference_core(plans[i].configuration)};
    }
  }

  std::vector<NativeRun> carry_out() {
    RepeatedRounds rounds{m_options.warm_up, m_options.repetitions};
    while (rounds.next()) {
      for (std::size_t i = 0; i < m_plans.size(); ++i) {
        if (rounds.is_planned()) ++*m_done;
        if (rounds.repeats(m_runs[i].samples, m_runs[i].core)) transfer(i, rounds.warms_up());
      }
    }
    for (NativeRun& run : m_runs) {
      if (run.core.own_ratio == 0) run.core.own_ratio = own_ratio_of_all().value_or(0);
      settle(run, rounds.enough());
    }
    return std::move(m_runs);
  }

 private:
  [[nodiscard]] std::optional<double> own_ratio_of_all() const {
    std::vector<double> ratios;
    for (const NativeRun& run : m_runs) {
      for (const native::TransferSample& sample : run.samples) {
        for (const native::CoreProbe& probe : sample.probes.all) ratios.push_back(probe.ratio());
      }
    }
    return native::own_ratio(std::move(ratios));
  }

  void transfer(std::size_t plan, bool warm_up) {
    std::vector<native::TransferSample>& samples = m_runs[plan].samples;
    if (!samples.empty() && !samples.back().failure.empty()) return;
    if (m_plans[plan].configuration.workload.warm()) {
      m_files.warm(m_plans[plan].configuration.workload.hot());
    } else {
      m_files.cool();
    }
    native::TransferSample sample = native::measure_transfer(m_files, transfer_options(m_plans[plan], m_options));
    if (!warm_up || !sample.failure.empty()) samples.push_back(std::move(sample));
  }

  Plans m_plans;
  const native::TestFiles& m_files;
  const NativeOptions& m_options;
  Done& m_done;
  std::vector<NativeRun> m_runs;
};

/// All plans that send the same files, in the child.
std::vector<RunResult> run_batch(Plans batch, const NativeOptions& options, Done& done) {
  const Workload& workload = batch.front().configuration.workload;
  Digests digests{options.verify};
  const native::TestFiles files = workload.form == Workload::Form::Path
                                      ? native::TestFiles::open(workload.path)
                                      : native::TestFiles::make(directory_of(options), simulate::contents_of(workload));
  std::vector<RunResult> found;
  for (const NativeRun& run : Rounds(batch, files, digests, options, done).carry_out()) {
    add_measured(found.emplace_back(simulate::heading_of(batch[found.size()], results::kHost)), run);
  }
  return found;
}

void check(const scenario::Scenario& scenario) {
  for (const RunPlan& plan : scenario.plans) {
    if (runs_programs(plan)) {
      native::check_cores(plan.configuration.programs);
      continue;
    }
    const kernel_sim::Strategy* strategy = kernel_sim::find_strategy(plan.strategy);
    if (strategy != nullptr && !strategy->gather.value_or(true)) {
      throw base::InputError{
          fmt::format("{}: strategy {} is named for a network card that cannot gather, which "
                      "loopback cannot have",
                      scenario.path, plan.strategy)};
    }
    (void)native::choose_cores(expansion_of(plan).cores());
  }
}

/// From what the child answered: its results, or why there are none.
std::vector<RunResult> results_of(Plans batch, const Json& reply) {
  std::vector<RunResult> runs;
  if (reply.contains("results")) {
    runs = results::from_json<std::vector<RunResult>>(reply["results"]);
  } else {
    for (const RunPlan& plan : batch) {
      runs.push_back(simulate::heading_of(plan, results::kHost));
      runs.back().failures = results::from_json<std::vector<std::string>>(reply.at("failures"));
    }
  }
  for (RunResult& run : runs) {
    if (run.complete()) run.expectations.emplace();  // what a scenario expects is about the simulated machine
  }
  return runs;
}

std::string text_of(const RunPlan& plan) {
  if (runs_programs(plan)) return report::point_text(plan.point);
  const Workload& workload = plan.configuration.workload;
  return fmt::format("{} in chunks of {}", report::size_text(static_cast<double>(workload.payload())),
                     report::size_text(static_cast<double>(workload.chunk)));
}

}  // namespace

std::vector<RunResult> run_natively(const scenario::Scenario& scenario, const NativeOptions& options) {
  check(scenario);
  const std::size_t rounds = options.warm_up + options.repetitions;
  simulate::Progress progress{options.shows_progress, scenario.plans.size() * rounds};
  Done done;
  std::vector<RunResult> runs;
  // It goes with this process, which no signal but SIGKILL ends before that.
  std::optional<native::ProgramFolder> folder;
  if (runs_programs(scenario.plans.front())) folder.emplace(directory_of(options));
  for (Plans rest = scenario.plans; !rest.empty();) {
    const Plans batch = leading(rest, [](const RunPlan& a, const RunPlan& b) {
      if (runs_programs(a)) return runs_programs(b);
      return simulate::same_files(a.configuration.workload, b.configuration.workload);
    });
    const std::size_t before = *done;
    const auto tick = [&](std::size_t /*child*/, std::chrono::seconds elapsed) {
      progress.tick(*done, text_of(batch[(*done - before) % batch.size()]), elapsed);
    };
    const simulate::ChildLimits limits{
        std::chrono::seconds{options.timeout_s} * static_cast<long>(batch.size() * rounds), tick};
    const Json reply = simulate::run_in_child(
        [&] {
          const std::vector<RunResult> found =
              folder ? run_programs(batch, *folder, options, *done) : run_batch(batch, options, done);
          return Json{{"results", results::to_json(found)}};
        },
        limits);
    progress.clear();
    for (RunResult& run : results_of(batch, reply)) runs.push_back(std::move(run));
    rest = rest.subspan(batch.size());
  }
  return runs;
}

}  // namespace sluice::crosscheck
