// SPDX-License-Identifier: Apache-2.0
#include "tools/native/calibration/host_bench.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <limits>
#include <sched.h>
#include <thread>

#include "tools/native/calibration/estimators.h"
#include "tools/native/core_probe.h"
#include "tools/native/host_system_calls.h"
#include "tools/native/process.h"
#include "tools/native/shared.h"

namespace sluice::calibration {
namespace {

/// Probes vary by less on a core of one's own.
constexpr double kProbeTolerance = 1.1;
constexpr double kNoProbe = std::numeric_limits<double>::infinity();

class HostClock : public Clock {
 public:
  HostClock() {
    std::vector<double> readings(101);
    for (double& reading : readings) {
      const Picoseconds begin = now();
      reading = static_cast<double>((now() - begin).count());
    }
    m_overhead = Picoseconds{static_cast<std::int64_t>(quantile(readings, 0.5))};
  }
  Picoseconds probe() override { return Picoseconds{native::probe_core() * 1000}; }
  Picoseconds now() override {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return Picoseconds{(time.tv_sec * 1'000'000'000 + time.tv_nsec) * 1000};
  }
  [[nodiscard]] Picoseconds overhead() const override { return m_overhead; }

 private:
  Picoseconds m_overhead;
};

/// What a measuring process leaves to its parent.
struct Outcome {
  static constexpr std::size_t kMost = 1000;
  bool complete = false;
  std::chrono::nanoseconds waited{};
  std::size_t count = 0;
  std::array<Sample, kMost> samples{};
  std::array<char, 200> failure{};
};

/// Sleeps until the core is ours or `limit` is over. Returns the time that it took.
std::chrono::nanoseconds wait_for_core(double best_probe, std::chrono::milliseconds limit) {
  const auto begin = std::chrono::steady_clock::now();
  const auto waited = [&] { return std::chrono::steady_clock::now() - begin; };
  while (static_cast<double>(native::probe_core()) > best_probe * kProbeTolerance && waited() < limit) {
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return waited();
}

int measure_here(const Primitive& primitive, SystemCalls& calls, const CachedFile& file, std::chrono::milliseconds time,
                 Outcome& outcome) {
  HostClock clock;
  Session session{{.calls = calls,
                   .clock = clock,
                   .file = file.path(),
                   .file_size = file.size(),
                   .effort = {.warm_up = 2,
                              .least = 3,
                              .most = Outcome::kMost,
                              .time = Picoseconds{std::chrono::nanoseconds{time}.count() * 1000}}}};
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
  std::vector<std::vector<Sample>> rounds;
  std::string failure;
  [[nodiscard]] std::vector<Sample> all() const {
    std::vector<Sample> samples;
    for (const auto& round : rounds) samples.insert(samples.end(), round.begin(), round.end());
    return samples;
  }
};

/// The process waits for its core before it measures, for `patience` at the most, which becomes less by that.
void measure_once(const Primitive& primitive, const CachedFile& file, const BenchOptions& options, double best_probe,
                  std::chrono::nanoseconds& patience, Collected& collected) {
  constexpr std::chrono::nanoseconds kOnce = std::chrono::milliseconds{100};
  const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(std::min(patience, kOnce));
  native::HostSystemCalls calls;
  const native::Shared<Outcome> outcome;
  const int status =
      native::run_as_process(calls,
                             [&](SystemCalls& in_process) {
                               outcome->waited = wait_for_core(best_probe, limit);
                               return measure_here(primitive, in_process, file, options.time, *outcome);
                             },
                             {.placement = {.cpu = options.cpu}, .time_limit = std::chrono::seconds{20}});
  patience -= std::min(patience, outcome->waited);
  if (outcome->failure[0] != 0) {
    collected.failure = outcome->failure.data();
  } else if (!outcome->complete) {
    collected.failure = "its process ended with status " + std::to_string(status);
  }
  collected.rounds.emplace_back(outcome->samples.begin(),
                                outcome->samples.begin() + static_cast<std::ptrdiff_t>(outcome->count));
}

/// Few probes are that fast by accident, most of an undisturbed run are.
double best_probe(const std::vector<Collected>& collected) {
  std::vector<double> probes;
  for (const Collected& one : collected) {
    for (const Sample& sample : one.all()) probes.push_back(sample.probe);
  }
  return quantile(probes, 0.05);
}

/// In how many rounds the core was ours.
unsigned undisturbed_rounds(const Collected& collected, double best) {
  const auto& rounds = collected.rounds;
  return static_cast<unsigned>(std::count_if(rounds.begin(), rounds.end(),
                                             [&](const auto& round) { return !undisturbed(round, best).empty(); }));
}

Measurement conclude(const std::string& name, const Collected& collected, double best) {
  Measurement measurement{name, 0, {}, 0, collected.failure};
  const std::vector<Sample> all = collected.all();
  std::vector<double> counting = undisturbed(all, best);
  if (!all.empty()) measurement.shared = 1 - static_cast<double>(counting.size()) / static_cast<double>(all.size());
  if (counting.empty()) counting = undisturbed(all, kNoProbe);
  measurement.value = quantile(counting, 0.5);
  for (const auto& round : collected.rounds) measurement.rounds.push_back(quantile(undisturbed(round, best), 0.5));
  return measurement;
}

}  // namespace

int first_allowed_cpu() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &allowed)) return cpu;
  }
  return 0;
}

std::vector<Measurement> measure_on_host(const std::vector<Primitive>& list, const CachedFile& file,
                                         const BenchOptions& options) {
  std::vector<Collected> collected(list.size());
  const auto end = std::chrono::steady_clock::now() + options.limit;
  std::chrono::nanoseconds patience = options.patience;
  double best = kNoProbe;  // in the first round nobody knows yet what is undisturbed
  for (unsigned round = 0; round < options.most_rounds; ++round) {
    std::vector<std::size_t> wanted;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!collected[i].failure.empty()) continue;
      if (round < options.rounds || undisturbed_rounds(collected[i], best) < options.rounds) wanted.push_back(i);
    }
    if (wanted.empty() || (round >= options.rounds && std::chrono::steady_clock::now() >= end)) break;
    for (const std::size_t i : wanted) {
      if (options.progress) options.progress(round + 1, list[i].name);
      measure_once(list[i], file, options, best, patience, collected[i]);
    }
    best = best_probe(collected);
  }
  std::vector<Measurement> measurements;
  for (std::size_t i = 0; i < list.size(); ++i) measurements.push_back(conclude(list[i].name, collected[i], best));
  return measurements;
}

std::vector<double> undisturbed(const std::vector<Sample>& samples, double best) {
  std::vector<double> clean;
  for (const Sample& sample : samples) {
    if (sample.probe <= best * kProbeTolerance) clean.push_back(sample.nanoseconds);
  }
  constexpr std::size_t kLeastShare = 4;  // fewer, and what lay between the probes was hardly undisturbed
  if (clean.size() * kLeastShare < samples.size()) clean.clear();
  return clean;
}

}  // namespace sluice::calibration
