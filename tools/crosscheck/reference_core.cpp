// SPDX-License-Identifier: Apache-2.0
#include "tools/crosscheck/reference_core.h"

#include <algorithm>
#include <optional>

#include "tools/analysis/sample_summary.h"
#include "tools/native/calibration/estimators.h"

namespace sluice::crosscheck {
namespace {

/// 0 when nobody asked.
double clock_of(const native::Probes& probes) {
  std::vector<double> clocks;
  for (const native::CoreProbe& probe : probes.all) clocks.push_back(probe.clock());
  return analysis::summarise(std::move(clocks)).median;
}

bool undisturbed(const native::Probes& probes, double own_ratio) {
  constexpr double kNearlyNever = 0.1;
  return own_ratio > 0 && !probes.all.empty() && shared_share(probes, own_ratio) <= kNearlyNever;
}

/// 0, a half or 1, as the probes at its ends say.
double shared_share(const native::ProbedWindow& window, double own_ratio) {
  return (native::core_is_shared(window.before.ratio(), own_ratio) ? 0.5 : 0.0) +
         (native::core_is_shared(window.after.ratio(), own_ratio) ? 0.5 : 0.0);
}

/// What it would have taken at the core's clock.
double ns_at_clock(const native::ProbedWindow& window, const ReferenceCore& core) {
  return window.ns() * (window.before.clock() + window.after.clock()) / 2 / core.clock;
}

/// Share of the windows' time that was on a core of their own.
double own_share(const std::vector<native::ProbedWindow>& windows, const ReferenceCore& core) {
  double own = 0;
  double all = 0;
  for (const native::ProbedWindow& window : windows) {
    all += window.ns();
    if (shared_share(window, core.own_ratio) == 0) own += window.ns();
  }
  return all > 0 ? own / all : 0;
}

/// How many times as long a piece of work takes on a shared core, by the windows of all repetitions. Nothing when
/// either kind is rare.
std::optional<double> longer_in_windows(const std::vector<Observed>& repetitions, const ReferenceCore& core) {
  constexpr std::size_t kEnough = 16;
  std::vector<double> own;
  std::vector<double> shared;
  for (const Observed& one : repetitions) {
    for (const native::ProbedWindow& window : one.probes.windows) {
      const double share = shared_share(window, core.own_ratio);
      if (share == 0) own.push_back(ns_at_clock(window, core) / window.work);
      if (share == 1) shared.push_back(ns_at_clock(window, core) / window.work);
    }
  }
  if (own.size() < kEnough || shared.size() < kEnough) return std::nullopt;
  const auto median = [](std::vector<double>& of) { return analysis::summarise(std::move(of)).median; };
  return std::max(median(shared) / median(own), 1.0);
}

/// How many times as long as on the reference core all windows took. During a part of one that took far longer than the
/// others something else had the core.
double longer_by(const std::vector<native::ProbedWindow>& windows, const ReferenceCore& core, double longer) {
  std::vector<double> rates;
  for (const native::ProbedWindow& window : windows) {
    rates.push_back(ns_at_clock(window, core) / (1 + shared_share(window, core.own_ratio) * (longer - 1)) /
                    window.work);
  }
  const double most = calibration::kOutOfPlace * calibration::quantile(rates, 0.5);
  double took = 0;
  double takes = 0;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    took += windows[i].ns();
    takes += std::min(rates[i], most) * windows[i].work;
  }
  return took / takes;
}

/// How much longer repetitions with these CPU times take on a shared core.
double longer_when_shared(const std::vector<double>& shares, const std::vector<double>& times,
                          const ReferenceCore& core) {
  constexpr double kFarEnoughApart = 0.4;
  const auto [least, most] = std::ranges::minmax(shares);
  if (most - least < kFarEnoughApart) return core.longer;
  const calibration::Line line = calibration::theil_sen(shares, times);
  return line.intercept > 0 ? std::clamp(1 + line.slope / line.intercept, 1.0, 2.0) : core.longer;
}

}  // namespace

ReferenceCore reference_core(const scenario::Configuration& configuration) {
  const auto& host = configuration.host;
  if (!host || !host->own_core) return {};
  return {.own_ratio = host->own_core->value(),
          .clock = static_cast<double>(configuration.machine.cpu.frequency.value()),
          .longer = 1 + static_cast<double>(host->shared_core.ppm()) / 1e6};
}

double shared_share(const native::Probes& probes, double own_ratio) {
  if (probes.all.empty() || own_ratio <= 0) return 0;
  const auto shared = std::ranges::count_if(
      probes.all, [&](const native::CoreProbe& probe) { return native::core_is_shared(probe.ratio(), own_ratio); });
  return static_cast<double>(shared) / static_cast<double>(probes.all.size());
}

bool tells(const native::Probes& probes, const ReferenceCore& core) {
  if (core.clock == 0 || core.own_ratio <= 0) return false;
  constexpr double kEnough = 0.25;
  return undisturbed(probes, core.own_ratio) || own_share(probes.windows, core) >= kEnough;
}

std::vector<Settled> settle(const std::vector<Observed>& repetitions, const ReferenceCore& core, std::size_t enough) {
  std::vector<Settled> settled(repetitions.size());
  if (core.clock == 0 || repetitions.empty()) return settled;
  const auto telling = static_cast<std::size_t>(
      std::ranges::count_if(repetitions, [&](const Observed& one) { return tells(one.probes, core); }));
  std::vector<double> shares;
  std::vector<double> times;
  for (std::size_t i = 0; i < repetitions.size(); ++i) {
    const Observed& one = repetitions[i];
    if (const double clock = clock_of(one.probes); clock > 0) settled[i].shorter_by = core.clock / clock;
    settled[i].set_aside = telling >= std::max<std::size_t>(enough, 1) && !tells(one.probes, core);
    if (settled[i].set_aside) continue;
    shares.push_back(shared_share(one.probes, core.own_ratio));
    times.push_back(one.cpu_ns / settled[i].shorter_by);
  }
  const double longer = longer_in_windows(repetitions, core).value_or(longer_when_shared(shares, times, core));
  for (std::size_t i = 0; i < repetitions.size(); ++i) {
    const native::Probes& probes = repetitions[i].probes;
    if (probes.windows.empty()) {
      settled[i].shorter_by *= 1 + shared_share(probes, core.own_ratio) * (longer - 1);
    } else {
      settled[i].shorter_by = longer_by(probes.windows, core, longer);
    }
  }
  return settled;
}

bool RepeatedRounds::next() {
  if (std::exchange(m_begun, true)) ++m_round;
  if (m_round < m_planned) return true;
  if (m_round == m_planned) m_end = Clock::now() + (Clock::now() - m_began);
  return m_round < m_planned + kFurther * m_wanted && Clock::now() < m_end;
}

}  // namespace sluice::crosscheck
