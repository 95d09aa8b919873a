// SPDX-License-Identifier: Apache-2.0
#include "tools/native/calibration/host_bench.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "tools/native/calibration/estimators.h"
#include "tools/native/core_probe.h"
#include "tools/native/host_system_calls.h"
#include "tools/native/measured_region.h"
#include "tools/native/process.h"
#include "tools/native/shared.h"

namespace sluice::calibration {
namespace {

class HostClock : public Clock {
 public:
  std::optional<native::CoreProbe> probe() override { return native::probe_core(); }
  Picoseconds now() override { return Picoseconds{native::monotonic_ns() * 1000}; }
  [[nodiscard]] Picoseconds overhead() const override { return m_overhead; }

 private:
  Picoseconds m_overhead{static_cast<std::int64_t>(native::clock_reading_ns() * 1000)};
};

/// What a measuring process leaves to its parent.
struct Outcome {
  static constexpr std::size_t kMost = 1000;
  bool complete = false;
  std::size_t count = 0;
  std::array<Sample, kMost> samples{};
  std::array<char, 200> failure{};
};

int measure_here(const Primitive& primitive, SystemCalls& calls, const CachedFile& file, const BenchOptions& options,
                 Outcome& outcome) {
  HostClock clock;
  Session session{{.calls = calls,
                   .clock = clock,
                   .file = file.path(),
                   .file_size = file.size(),
                   .effort = {.warm_up = 2,
                              .least = 3,
                              .most = Outcome::kMost,
                              .time = Picoseconds{std::chrono::nanoseconds{options.time}.count() * 1000}},
                   .other_core = options.other_cpu}};
  try {
    primitive.run(session);
  } catch (const PrimitiveFailure& failure) {
    std::strncpy(outcome.failure.data(), failure.what(), outcome.failure.size() - 1);
  }
  outcome.count = std::min(session.samples().size(), Outcome::kMost);
  std::copy_n(session.samples().begin(), outcome.count, outcome.samples.begin());
  outcome.complete = true;
  return 0;
}

struct Collected {
  Rounds rounds;
  std::string failure;
};

void measure_once(const Primitive& primitive, const CachedFile& file, const BenchOptions& options,
                  Collected& collected) {
  native::HostSystemCalls calls{{.congestion_control = "reno"}};  // as the simulated kernel
  const native::Shared<Outcome> outcome;
  const int status = native::run_as_process(
      calls, [&](SystemCalls& in_process) { return measure_here(primitive, in_process, file, options, *outcome); },
      {.placement = {.cpu = options.cpu}, .time_limit = std::chrono::seconds{20}});
  if (outcome->failure[0] != 0) {
    collected.failure = outcome->failure.data();
  } else if (!outcome->complete) {
    collected.failure = "its process ended with status " + std::to_string(status);
  }
  collected.rounds.emplace_back(outcome->samples.begin(),
                                outcome->samples.begin() + static_cast<std::ptrdiff_t>(outcome->count));
}

/// Times of batches at one clock, by what their probes say of the core.
struct Split {
  std::vector<double> own;
  std::vector<double> shared;

  void add(const std::vector<Sample>& samples, const Core& core) {
    for (const Sample& sample : samples) {
      const double nanoseconds = sample.nanoseconds * core.chain_ns / sample.chain_ns;
      (native::core_is_shared(sample.ratio, core.own_ratio) ? shared : own).push_back(nanoseconds);
    }
  }
  static constexpr std::size_t kEnough = 8;

  /// Nothing when there are too few of either.
  [[nodiscard]] std::optional<double> ratio() const {
    if (own.size() < kEnough || shared.size() < kEnough) return std::nullopt;
    return quantile(shared, 0.5) / quantile(own, 0.5);
  }
  /// On a core of one's own: of the batches that had it, or where they are too few of all, with what sharing adds taken
  /// off the others.
  [[nodiscard]] double typical(double sharing_ratio) const {
    if (own.size() >= kEnough) return usual_mean(own);
    std::vector<double> times = own;
    for (const double time : shared) times.push_back(time / sharing_ratio);
    return usual_mean(times);
  }
};

Split split(const Rounds& rounds, const Core& core) {
  Split all;
  for (const auto& round : rounds) all.add(round, core);
  return all;
}

}  // namespace

Core find_core(const std::vector<Rounds>& primitives) {
  std::vector<double> chains;
  std::vector<double> ratios;
  for (const Rounds& rounds : primitives) {
    for (const auto& round : rounds) {
      for (const Sample& sample : round) {
        chains.push_back(sample.chain_ns);
        ratios.push_back(sample.ratio);
      }
    }
  }
  return {quantile(std::move(chains), 0.5), native::own_ratio(std::move(ratios)).value_or(0)};
}

Sharing find_sharing(const std::vector<Rounds>& primitives, const Core& core) {
  std::vector<double> ratios;
  std::size_t own = 0;
  std::size_t shared = 0;
  for (const Rounds& rounds : primitives) {
    const Split batches = split(rounds, core);
    own += batches.own.size();
    shared += batches.shared.size();
    if (const auto ratio = batches.ratio()) ratios.push_back(*ratio);
  }
  if (ratios.empty() || own + shared == 0) return {};
  return {static_cast<double>(shared) / static_cast<double>(own + shared), quantile(ratios, 0.5)};
}

Measurement conclude(const Rounds& rounds, const Core& core, const Sharing& sharing) {
  const Split all = split(rounds, core);
  const double by = all.ratio().value_or(sharing.ratio);
  Measurement measurement;
  measurement.value = all.typical(by);
  for (const auto& round : rounds) {
    Split of_round;
    of_round.add(round, core);
    measurement.rounds.push_back(of_round.typical(by));
  }
  return measurement;
}

BenchResult measure_on_host(const std::vector<Primitive>& list, const CachedFile& file, const BenchOptions& options) {
  std::vector<Collected> collected(list.size());
  for (unsigned round = 0; round < options.rounds; ++round) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!collected[i].failure.empty()) continue;
      if (options.progress) options.progress(round + 1, list[i].name);
      measure_once(list[i], file, options, collected[i]);
    }
  }
  std::vector<Rounds> all;
  for (const Collected& one : collected) all.push_back(one.rounds);
  const Core core = find_core(all);
  BenchResult result{{}, find_sharing(all, core), core};
  for (std::size_t i = 0; i < list.size(); ++i) {
    result.measurements.push_back(conclude(all[i], core, result.sharing));
    result.measurements.back().name = list[i].name;
    result.measurements.back().failure = collected[i].failure;
  }
  return result;
}

}  // namespace sluice::calibration
