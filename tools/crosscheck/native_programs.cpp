// SPDX-License-Identifier: Apache-2.0
#include "tools/crosscheck/native_programs.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/format.h>

#include "tools/analysis/sample_summary.h"
#include "tools/crosscheck/reference_core.h"
#include "tools/scenario/expectation.h"
#include "tools/simulate/run_heading.h"

namespace sluice::crosscheck {
namespace {

using native::ProgramProcess;
using native::ProgramSample;
using results::MeasureUse;
using results::Named;
using results::ProcessUse;
using results::RunResult;
using Samples = std::vector<ProgramSample>;

/// What one run gave, without its heading.
RunResult single(const ProgramSample& sample) {
  RunResult run;
  std::vector<results::EndedProcess> processes;
  for (const ProgramProcess& process : sample.processes) processes.push_back(process.result);
  run.processes = results::by_name(processes);
  sample.report.add_to(run);
  return run;
}

std::int64_t cpu_of(const ProgramSample& sample) { return sample.cpu_user_ns + sample.cpu_kernel_ns; }

results::Samples summary(const std::vector<double>& values) {
  const analysis::SampleSummary found = analysis::summarise(values);
  results::Samples samples{.min = std::llround(found.minimum),
                           .median = std::llround(found.median),
                           .max = std::llround(found.maximum),
                           .spread = found.spread,
                           .values = {}};
  for (const double value : values) samples.values.push_back(std::llround(value));
  return samples;
}

results::Samples summary(const Samples& samples, const std::function<std::int64_t(const ProgramSample&)>& quantity) {
  std::vector<double> values;
  for (const ProgramSample& sample : samples) values.push_back(static_cast<double>(quantity(sample)));
  return summary(values);
}

/// The median over those runs that have the entry of this name.
template <class Use, class Quantity>
results::Samples summary_of(const std::vector<RunResult>& runs, std::optional<Named<Use>> RunResult::*list,
                            const std::string& name, Quantity&& quantity) {
  std::vector<double> values;
  for (const RunResult& run : runs) {
    const Use* const use = run.*list ? results::find(*(run.*list), name) : nullptr;
    if (use != nullptr) values.push_back(static_cast<double>(quantity(*use)));
  }
  return summary(values);
}

void take_medians(RunResult& result, const std::vector<RunResult>& runs) {
  for (auto& [name, use] : *result.processes) {
    const auto median = [&, &name = name](auto quantity) {
      return summary_of(runs, &RunResult::processes, name, quantity).median;
    };
    use.cpu_ns = median([](const ProcessUse& p) { return p.cpu_ns; });
    use.interpreter_ns = median([](const ProcessUse& p) { return p.interpreter_ns.value_or(0); });
  }
  if (!result.measures) return;
  for (auto& [name, use] : *result.measures) {
    const auto of = [&, &name = name](auto quantity) { return summary_of(runs, &RunResult::measures, name, quantity); };
    const results::Samples cpu = of([](const MeasureUse& m) { return m.cpu_ns; });
    const results::Samples elapsed = of([](const MeasureUse& m) { return m.elapsed_ns; });
    use.cpu_ns = cpu.median;
    use.cpu_spread = cpu.spread;
    use.elapsed_ns = elapsed.median;
    use.elapsed_spread = elapsed.spread;
    use.interpreter_ns = of([](const MeasureUse& m) { return m.interpreter_ns.value_or(0); }).median;
  }
}

/// Names of `list` whose entries are not the same in all runs, by `same`.
template <class Use, class Same>
void note_differences(std::vector<std::string>& notes, const std::vector<RunResult>& runs,
                      std::optional<Named<Use>> RunResult::*list, const char* what, Same&& same) {
  if (!(runs.front().*list)) return;
  for (const auto& [name, first] : *(runs.front().*list)) {
    const bool alike = std::all_of(runs.begin(), runs.end(), [&, &name = name, &first = first](const RunResult& run) {
      const Use* const use = run.*list ? results::find(*(run.*list), name) : nullptr;
      return use != nullptr && same(first, *use);
    });
    if (!alike) notes.push_back(fmt::format("{} {}", what, name));
  }
}

std::vector<std::string> differences(const std::vector<RunResult>& runs) {
  std::vector<std::string> notes;
  note_differences(notes, runs, &RunResult::measures, "calls of measure", [](const MeasureUse& a, const MeasureUse& b) {
    return a.times == b.times && a.system_calls == b.system_calls && a.mode_switches == b.mode_switches;
  });
  note_differences(notes, runs, &RunResult::processes, "calls of process",
                   [](const ProcessUse& a, const ProcessUse& b) {
                     return a.copies == b.copies && a.ends == b.ends && a.system_calls == b.system_calls;
                   });
  note_differences(notes, runs, &RunResult::counted, "counter",
                   [](const std::int64_t& a, const std::int64_t& b) { return a == b; });
  using Lines = std::vector<std::string>;
  note_differences(notes, runs, &RunResult::output, "output of", [](const Lines& a, const Lines& b) { return a == b; });
  return notes;
}

void add_new(std::vector<std::string>& all, const std::vector<std::string>& more) {
  for (const std::string& one : more) {
    if (std::ranges::find(all, one) == all.end()) all.push_back(one);
  }
}

void add_failures(RunResult& result, const scenario::RunPlan& plan, const Samples& samples,
                  const std::vector<RunResult>& runs) {
  const auto add = [&](const std::string& failure) { add_new(result.failures, {failure}); };
  for (const RunResult& run : runs) add_new(result.failures, run.failures);
  for (const ProgramSample& sample : samples) {
    add_new(result.failures, sample.failures);
    for (const ProgramProcess& process : sample.processes) {
      if (scenario::speak_of_end(plan.expectations, process.result.name)) continue;
      if (!process.ended) {
        add(fmt::format("{} did not end in time: {}", process.who, process.result.how));
      } else if (process.status != 0 && !process.result.name.ends_with("_children")) {
        add(fmt::format("{} ended with {}", process.who, process.result.how));
      }
    }
  }
}

void add_totals(RunResult& result) {
  results::Counts counts;
  Named<std::uint64_t> calls;
  for (const auto& [name, use] : *result.processes) {
    counts.mode_switches += use.mode_switches;
    counts.context_switches += use.voluntary_switches + use.involuntary_switches;
    counts.page_faults_minor += use.page_faults_minor;
    counts.page_faults_major += use.page_faults_major;
    for (const auto& [call, made] : use.system_calls) {
      const auto same =
          std::find_if(calls.begin(), calls.end(), [&, &call = call](const auto& c) { return c.first == call; });
      if (same != calls.end()) {
        same->second += made;
      } else {
        calls.emplace_back(call, made);
      }
    }
  }
  result.counts = counts;
  result.system_calls = std::move(calls);
}

bool failed(const RunResult& result) { return !result.failures.empty(); }

}  // namespace

RunResult result_of(const scenario::RunPlan& plan, const Samples& samples, unsigned warm_up) {
  std::vector<RunResult> runs;
  ProgramSample all = samples.front();
  for (const ProgramSample& sample : samples) {
    runs.push_back(single(sample));
    if (runs.size() > 1) all.report.add_samples(sample.report);
  }
  RunResult result = simulate::heading_of(plan, results::kHost);
  add_failures(result, plan, samples, runs);
  RunResult first = single(all);  // the first run with the samples of all
  result.processes = std::move(first.processes);
  result.measures = std::move(first.measures);
  result.samples = std::move(first.samples);
  result.counted = std::move(first.counted);
  result.checks = first.checks;
  result.output = std::move(first.output);
  take_medians(result, runs);
  add_totals(result);
  const std::vector<std::string> notes = differences(runs);
  if (!notes.empty()) result.differs = notes;
  const results::Samples elapsed = summary(samples, [](const ProgramSample& s) { return s.elapsed_ns; });
  const results::Samples cpu = summary(samples, cpu_of);
  const std::int64_t user = std::min(cpu.median, summary(samples, [](const auto& s) { return s.cpu_user_ns; }).median);
  result.time = {.elapsed_ns = elapsed.median,
                 .cpu_user_ns = user,
                 .cpu_kernel_ns = cpu.median - user,
                 .cpu_irq_ns = {},
                 .cpu_idle_ns = {},
                 .cpu_ns = cpu.median};
  result.repetitions = {.count = samples.size(),
                        .warm_up = warm_up,
                        .set_aside = {},
                        .on_shared_core = {},
                        .elapsed_ns = elapsed,
                        .cpu_ns = cpu};
  return result;
}

namespace {

/// What went wrong in one repetition.
std::vector<std::string> failures_of(const scenario::RunPlan& plan, const ProgramSample& sample) {
  return result_of(plan, {sample}, 0).failures;
}

/// Of one run. What was waited for does not become shorter.
void shorten(ProgramSample& sample, double by) {
  const auto divide = [by](std::int64_t& time) { time = std::llround(static_cast<double>(time) / by); };
  const std::int64_t before = cpu_of(sample);
  divide(sample.cpu_user_ns);
  divide(sample.cpu_kernel_ns);
  sample.elapsed_ns = std::max<std::int64_t>(sample.elapsed_ns - (before - cpu_of(sample)), 0);
  for (ProgramProcess& process : sample.processes) divide(process.result.use.cpu_ns);
  sample.report.shorten(by);
}

}  // namespace

std::vector<RunResult> run_programs(std::span<const scenario::RunPlan> plans, native::ProgramFolder& folder,
                                    const NativeOptions& options, std::atomic<std::size_t>& done) {
  std::vector<Samples> samples(plans.size());
  std::vector<bool> ended(plans.size(), false);
  RepeatedRounds rounds{options.warm_up, options.repetitions};
  for (bool first = true; rounds.next(); first = false) {
    for (std::size_t i = 0; i < plans.size(); ++i) {
      if (rounds.is_planned()) ++done;
      if (ended[i] || !rounds.repeats(samples[i], reference_core(plans[i].configuration))) continue;
      const scenario::Programs& programs = plans[i].configuration.programs;
      ProgramSample sample = native::run_programs(programs, folder,
                                                  {.arguments = programs.arguments.table(),
                                                   .time_limit = std::chrono::seconds{options.timeout_s},
                                                   .congestion_control = scenario::kControlledCongestionControl});
      // One that failed once is not waited for again and again.
      const bool once = first && failed(result_of(plans[i], {sample}, options.warm_up));
      ended[i] = once;
      if (once || !rounds.warms_up()) samples[i].push_back(std::move(sample));
    }
  }
  std::vector<RunResult> found;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const ReferenceCore core = reference_core(plans[i].configuration);
    const Samples set_aside = settle(samples[i], core, rounds.enough(), cpu_of, shorten);
    found.push_back(result_of(plans[i], samples[i], options.warm_up));
    for (const ProgramSample& sample : set_aside) add_new(found.back().failures, failures_of(plans[i], sample));
    results::Repetitions& repetitions = *found.back().repetitions;
    if (core.clock == 0) continue;
    repetitions.set_aside = set_aside.size();
    repetitions.on_shared_core = mean_shared_share(samples[i], core);
  }
  return found;
}

}  // namespace sluice::crosscheck
