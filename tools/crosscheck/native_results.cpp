// SPDX-License-Identifier: Apache-2.0
#include "tools/crosscheck/native_results.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/format.h>

#include "tools/analysis/sample_summary.h"

namespace sluice::crosscheck {
namespace {

using native::TransferSample;
using results::Named;
using results::OrWhyNot;
using results::RunResult;

using Quantity = std::function<std::int64_t(const TransferSample&)>;

std::vector<double> values_of(const NativeRun& run, const Quantity& quantity) {
  std::vector<double> values;
  for (const TransferSample& sample : run.samples) values.push_back(static_cast<double>(quantity(sample)));
  return values;
}

std::int64_t median(const NativeRun& run, const Quantity& quantity) {
  return std::llround(analysis::summarise(values_of(run, quantity)).median);
}

results::Samples summary(const NativeRun& run, const Quantity& quantity) {
  const std::vector<double> values = values_of(run, quantity);
  const analysis::SampleSummary found = analysis::summarise(values);
  results::Samples samples{.min = std::llround(found.minimum),
                           .median = std::llround(found.median),
                           .max = std::llround(found.maximum),
                           .spread = found.spread,
                           .values = {}};
  for (const double value : values) samples.values.push_back(std::llround(value));
  return samples;
}

/// Of one process; `use` selects it.
results::TaskUse task(const NativeRun& run, native::ResourceUse TransferSample::*use) {
  const auto of = [&](std::int64_t native::ResourceUse::*field) {
    return median(run, [=](const TransferSample& sample) { return sample.*use.*field; });
  };
  using native::ResourceUse;
  return {.cpu_ns = of(&ResourceUse::cpu_ns),
          .user_ns = of(&ResourceUse::user_ns),
          .system_ns = of(&ResourceUse::system_ns),
          .page_faults_minor = of(&ResourceUse::minor_faults),
          .page_faults_major = of(&ResourceUse::major_faults),
          .voluntary_switches = of(&ResourceUse::voluntary_switches),
          .involuntary_switches = of(&ResourceUse::involuntary_switches),
          .calls = {}};
}

OrWhyNot<results::TaskUse> softirq_thread(const NativeRun& run) {
  const bool known = std::all_of(run.samples.begin(), run.samples.end(),
                                 [](const TransferSample& sample) { return sample.softirq_cpu_ns.has_value(); });
  if (!known) return "not permitted here";
  return results::TaskUse{
      .cpu_ns = median(run, [](const TransferSample& sample) { return sample.softirq_cpu_ns.value_or(0); })};
}

/// What each sender did, when there are several.
std::optional<Named<results::ProcessUse>> senders(const NativeRun& run) {
  const std::size_t count = run.samples.front().senders.size();
  if (count < 2) return {};
  Named<results::ProcessUse> processes;
  for (std::size_t i = 0; i < count; ++i) {
    const auto of = [&](std::int64_t native::ResourceUse::*field) {
      return median(run, [=](const TransferSample& sample) { return sample.senders.at(i).used.*field; });
    };
    const auto count_of = [&](std::int64_t native::ResourceUse::*field) {
      return static_cast<std::uint64_t>(of(field));
    };
    using native::ResourceUse;
    const syscalls::CallCounts& calls = run.samples.front().senders[i].calls;
    const auto by_name = calls.by_name();
    processes.emplace_back(fmt::format("sender.{}", i),
                           results::ProcessUse{.copies = 1,
                                               .ends = "exit 0",
                                               .cpu_ns = of(&ResourceUse::cpu_ns),
                                               .mode_switches = calls.mode_switches,
                                               .page_faults_minor = count_of(&ResourceUse::minor_faults),
                                               .page_faults_major = count_of(&ResourceUse::major_faults),
                                               .voluntary_switches = count_of(&ResourceUse::voluntary_switches),
                                               .involuntary_switches = count_of(&ResourceUse::involuntary_switches),
                                               .system_calls = {by_name.begin(), by_name.end()}});
  }
  return processes;
}

Named<OrWhyNot<results::TaskUse>> tasks(const NativeRun& run) {
  results::TaskUse receiver = task(run, &TransferSample::receiver);
  receiver.calls =
      median(run, [](const TransferSample& sample) { return static_cast<std::int64_t>(sample.receiver_calls); });
  return {{"sender", task(run, &TransferSample::sender)}, {"receiver", receiver}, {"ksoftirqd", softirq_thread(run)}};
}

/// A kernel splits CPU time by what its tick happened to meet: the sum is exact, the parts are for information.
results::Times times(const NativeRun& run) {
  const std::int64_t cpu = median(run, [](const TransferSample& sample) { return sample.cpu_ns(); });
  const std::int64_t user = std::min(
      cpu, median(run, [](const TransferSample& sample) { return sample.sender.user_ns + sample.receiver.user_ns; }));
  return {.elapsed_ns = median(run, [](const TransferSample& sample) { return sample.elapsed_ns; }),
          .cpu_user_ns = user,
          .cpu_kernel_ns = cpu - user,
          .cpu_irq_ns = {},
          .cpu_idle_ns = {},
          .cpu_ns = cpu};
}

results::Counts counts(const NativeRun& run) {
  const auto of = [&](const Quantity& quantity) { return static_cast<std::uint64_t>(median(run, quantity)); };
  const auto switches = [](const native::ResourceUse& use) {
    return use.voluntary_switches + use.involuntary_switches;
  };
  results::Counts counts;
  counts.mode_switches = of([](const auto& s) { return static_cast<std::int64_t>(s.calls.mode_switches); });
  counts.context_switches = of([&](const auto& s) { return switches(s.sender) + switches(s.receiver); });
  counts.page_faults_minor = of([](const auto& s) { return s.sender.minor_faults; });
  counts.page_faults_major = of([](const auto& s) { return s.sender.major_faults; });
  return counts;
}

Named<OrWhyNot<std::int64_t>> kernel_counts(const NativeRun& run) {
  Named<OrWhyNot<std::int64_t>> counts;
  for (std::size_t i = 0; i < run.samples.front().kernel_counts.size(); ++i) {
    const native::KernelCount& count = run.samples.front().kernel_counts[i];
    if (count.known) {
      counts.emplace_back(count.event, median(run, [=](const TransferSample& s) {
                            return static_cast<std::int64_t>(s.kernel_counts.at(i).count);
                          }));
    } else {
      counts.emplace_back(count.event, count.why_not);
    }
  }
  return counts;
}

Named<std::uint64_t> system_calls(const NativeRun& run) {
  Named<std::uint64_t> calls;
  for (const auto& [name, count] : run.samples.front().calls.by_name()) calls.emplace_back(name, count);
  return calls;
}

results::Delivered delivered(const NativeRun& run) {
  results::Delivered delivered{.bytes = run.samples.front().received, .sha256 = {}, .intact = {}};
  if (run.sha256.empty()) return delivered;
  delivered.sha256 = run.sha256;  // each receiver's bytes are as they should be
  delivered.intact = true;
  return delivered;
}

/// Without the calls that only wait or ask: how many there are depends on when a buffer that was lent is free again.
auto determined_calls(const TransferSample& sample) {
  auto calls = sample.calls.calls;
  for (const kernel_sim::Call waits : {kernel_sim::Call::Poll, kernel_sim::Call::Recvmsg})
    calls.at(static_cast<std::size_t>(waits)) = 0;
  return calls;
}

std::vector<std::string> failures(const NativeRun& run) {
  std::vector<std::string> sentences;
  for (const auto* samples : {&run.samples, &run.set_aside}) {
    for (const TransferSample& sample : *samples) {
      if (!sample.failure.empty()) {
        sentences.push_back(sample.failure);
      } else if (sample.sha256 != run.sha256_of_connection) {
        sentences.emplace_back("the receiver's bytes are not the file's");
      } else if (determined_calls(sample) != determined_calls(run.samples.front())) {
        sentences.emplace_back("the program's system calls differ between repetitions");
      }
    }
  }
  return sentences;
}

/// Of `cores` cores. What was waited for does not become shorter.
void shorten(TransferSample& sample, double by, unsigned cores) {
  const auto divide = [by](std::int64_t& time) { time = std::llround(static_cast<double>(time) / by); };
  const std::int64_t before = sample.cpu_ns();
  for (native::ResourceUse* use : {&sample.sender, &sample.receiver}) {
    divide(use->cpu_ns);
    divide(use->user_ns);
    divide(use->system_ns);
  }
  for (TransferSample::SenderUse& sender : sample.senders) divide(sender.used.cpu_ns);
  if (sample.softirq_cpu_ns) divide(*sample.softirq_cpu_ns);
  sample.elapsed_ns = std::max<std::int64_t>(sample.elapsed_ns - (before - sample.cpu_ns()) / cores, 0);
}

}  // namespace

void settle(NativeRun& run, std::size_t enough) {
  if (run.samples.empty() || !run.samples.back().failure.empty()) return;
  run.set_aside = settle(
      run.samples, run.core, enough, [](const TransferSample& sample) { return sample.cpu_ns(); },
      [&](TransferSample& sample, double by) { shorten(sample, by, run.cores); });
}

void add_measured(RunResult& result, const NativeRun& run) {
  result.failures = failures(run);
  if (!result.failures.empty() || run.samples.empty()) return;
  result.payload_bytes = run.payload;
  result.delivered = delivered(run);
  result.time = times(run);
  const auto elapsed_ns = static_cast<double>(result.time->elapsed_ns);
  result.throughput_bytes_per_s = elapsed_ns > 0 ? static_cast<double>(run.payload) * 1e9 / elapsed_ns : 0.0;
  result.system_calls = system_calls(run);
  result.counts = counts(run);
  result.tasks = tasks(run);
  result.processes = senders(run);
  result.kernel_counts = kernel_counts(run);
  result.repetitions = {.count = run.samples.size(),
                        .warm_up = run.warm_up,
                        .set_aside = run.set_aside.size(),
                        .on_shared_core = mean_shared_share(run.samples, run.core),
                        .elapsed_ns = summary(run, [](const TransferSample& s) { return s.elapsed_ns; }),
                        .cpu_ns = summary(run, [](const TransferSample& s) { return s.cpu_ns(); })};
}

}  // namespace sluice::crosscheck
