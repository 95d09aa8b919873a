// SPDX-License-Identifier: Apache-2.0
#include "tools/crosscheck/native_results.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/format.h>

#include "tools/analysis/sample_summary.h"

namespace sluice::tool {
namespace {

using native::TransferSample;
using report::Json;

using Quantity = std::function<std::int64_t(const TransferSample&)>;

std::vector<double> values_of(const NativeRun& run, const Quantity& quantity) {
  std::vector<double> values;
  for (const TransferSample& sample : run.samples) values.push_back(static_cast<double>(quantity(sample)));
  return values;
}

std::int64_t median(const NativeRun& run, const Quantity& quantity) {
  return std::llround(analysis::summarise(values_of(run, quantity)).median);
}

Json summary(const NativeRun& run, const Quantity& quantity) {
  const std::vector<double> values = values_of(run, quantity);
  const analysis::SampleSummary found = analysis::summarise(values);
  Json each = Json::array();
  for (const double value : values) each.push_back(std::llround(value));
  return {{"min", std::llround(found.minimum)},
          {"median", std::llround(found.median)},
          {"max", std::llround(found.maximum)},
          {"spread", found.spread},
          {"values", each}};
}

/// Of one process; `use` selects it.
Json task(const NativeRun& run, native::ResourceUse TransferSample::*use) {
  const auto of = [&](std::int64_t native::ResourceUse::*field) {
    return median(run, [=](const TransferSample& sample) { return sample.*use.*field; });
  };
  using native::ResourceUse;
  return {{"cpu_ns", of(&ResourceUse::cpu_ns)},
          {"user_ns", of(&ResourceUse::user_ns)},
          {"system_ns", of(&ResourceUse::system_ns)},
          {"page_faults_minor", of(&ResourceUse::minor_faults)},
          {"page_faults_major", of(&ResourceUse::major_faults)},
          {"voluntary_switches", of(&ResourceUse::voluntary_switches)},
          {"involuntary_switches", of(&ResourceUse::involuntary_switches)}};
}

Json tasks(const NativeRun& run) {
  Json all{{"sender", task(run, &TransferSample::sender)}, {"receiver", task(run, &TransferSample::receiver)}};
  all["receiver"]["calls"] =
      median(run, [](const TransferSample& sample) { return static_cast<std::int64_t>(sample.receiver_calls); });
  const bool known = std::all_of(run.samples.begin(), run.samples.end(),
                                 [](const TransferSample& sample) { return sample.softirq_cpu_ns.has_value(); });
  if (known) {
    all["ksoftirqd"] = {
        {"cpu_ns", median(run, [](const TransferSample& sample) { return sample.softirq_cpu_ns.value_or(0); })}};
  } else {
    all["ksoftirqd"] = "not permitted here";
  }
  return all;
}

/// A kernel splits CPU time by what its tick happened to meet: the sum is exact, the parts are for information.
Json times(const NativeRun& run) {
  const std::int64_t cpu = median(run, [](const TransferSample& sample) { return sample.cpu_ns(); });
  const std::int64_t user = std::min(
      cpu, median(run, [](const TransferSample& sample) { return sample.sender.user_ns + sample.receiver.user_ns; }));
  return {{"elapsed_ns", median(run, [](const TransferSample& sample) { return sample.elapsed_ns; })},
          {"cpu_user_ns", user},
          {"cpu_kernel_ns", cpu - user},
          {"cpu_ns", cpu}};
}

Json counts(const NativeRun& run) {
  const auto switches = [](const native::ResourceUse& use) {
    return use.voluntary_switches + use.involuntary_switches;
  };
  return {{"mode_switches",
           median(run, [](const TransferSample& s) { return static_cast<std::int64_t>(s.calls.mode_switches); })},
          {"context_switches",
           median(run, [&](const TransferSample& s) { return switches(s.sender) + switches(s.receiver); })},
          {"page_faults_minor", median(run, [](const TransferSample& s) { return s.sender.minor_faults; })},
          {"page_faults_major", median(run, [](const TransferSample& s) { return s.sender.major_faults; })}};
}

Json kernel_counts(const NativeRun& run) {
  Json counts = Json::object();
  for (std::size_t i = 0; i < run.samples.front().kernel_counts.size(); ++i) {
    const native::KernelCount& count = run.samples.front().kernel_counts[i];
    if (count.known) {
      counts[count.event] =
          median(run, [=](const TransferSample& s) { return static_cast<std::int64_t>(s.kernel_counts.at(i).count); });
    } else {
      counts[count.event] = count.why_not;
    }
  }
  return counts;
}

Json delivered(const NativeRun& run) {
  Json json{{"bytes", run.samples.front().received}};
  if (!run.sha256.empty()) json.update({{"sha256", run.samples.front().sha256}, {"intact", true}});
  return json;
}

Json failures(const NativeRun& run) {
  Json sentences = Json::array();
  for (const TransferSample& sample : run.samples) {
    if (!sample.failure.empty()) {
      sentences.push_back(sample.failure);
    } else if (sample.sha256 != run.sha256) {
      sentences.push_back("the receiver's bytes are not the file's");
    } else if (sample.calls.calls != run.samples.front().calls.calls) {
      sentences.push_back("the program's system calls differ between repetitions");
    }
  }
  return sentences;
}

/// Share of a transfer's time during which something else had a part of the core.
double shared_share(const NativeRun& run, const TransferSample& sample) {
  const auto shared = std::ranges::count_if(
      sample.probes_ns, [&](std::int64_t probe) { return native::core_is_shared(probe, run.sharing.own_probe_ns); });
  return static_cast<double>(shared) / static_cast<double>(std::max<std::size_t>(sample.probes_ns.size(), 1));
}

double mean_shared_share(const NativeRun& run) {
  double sum = 0;
  for (const TransferSample& sample : run.samples) sum += shared_share(run, sample);
  return sum / static_cast<double>(run.samples.size());
}

void shorten(TransferSample& sample, double by) {
  const auto divide = [by](std::int64_t& time) { time = std::llround(static_cast<double>(time) / by); };
  divide(sample.elapsed_ns);
  for (native::ResourceUse* use : {&sample.sender, &sample.receiver}) {
    divide(use->cpu_ns);
    divide(use->user_ns);
    divide(use->system_ns);
  }
  if (sample.softirq_cpu_ns) divide(*sample.softirq_cpu_ns);
}

}  // namespace

void settle_sharing(NativeRun& run) {
  for (TransferSample& sample : run.samples) {
    shorten(sample, 1 + shared_share(run, sample) * (run.sharing.longer - 1));
  }
}

Json results_of(const NativeRun& run) {
  Json json{{"payload_bytes", run.payload}};
  const Json failed = failures(run);
  if (!failed.empty() || run.samples.empty()) return {{"failures", failed}};
  json["delivered"] = delivered(run);
  json["time"] = times(run);
  const double elapsed_ns = json["time"]["elapsed_ns"].get<double>();
  json["throughput_bytes_per_s"] = elapsed_ns > 0 ? static_cast<double>(run.payload) * 1e9 / elapsed_ns : 0.0;
  json["system_calls"] = run.samples.front().calls.by_name();
  json["counts"] = counts(run);
  json["tasks"] = tasks(run);
  json["kernel_counts"] = kernel_counts(run);
  json["repetitions"] = {{"count", run.samples.size()},
                         {"warm_up", run.warm_up},
                         {"on_shared_core", mean_shared_share(run)},
                         {"elapsed_ns", summary(run, [](const TransferSample& s) { return s.elapsed_ns; })},
                         {"cpu_ns", summary(run, [](const TransferSample& s) { return s.cpu_ns(); })}};
  json["failures"] = Json::array();
  return json;
}

}  // namespace sluice::tool
