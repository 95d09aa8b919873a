// SPDX-License-Identifier: Apache-2.0
#include "tools/crosscheck/reference_core.h"

#include <algorithm>

#include "tools/analysis/sample_summary.h"
#include "tools/native/calibration/estimators.h"

namespace sluice::crosscheck {
namespace {

/// 0 when nobody asked.
double clock_of(const Probes& probes) {
  std::vector<double> clocks;
  for (const native::CoreProbe& probe : probes) clocks.push_back(probe.clock());
  return analysis::summarise(std::move(clocks)).median;
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

double shared_share(const Probes& probes, double own_ratio) {
  if (probes.empty() || own_ratio <= 0) return 0;
  const auto shared = std::ranges::count_if(
      probes, [&](const native::CoreProbe& probe) { return native::core_is_shared(probe.ratio(), own_ratio); });
  return static_cast<double>(shared) / static_cast<double>(probes.size());
}

bool undisturbed(const Probes& probes, double own_ratio) {
  constexpr double kNearlyNever = 0.1;
  return own_ratio > 0 && !probes.empty() && shared_share(probes, own_ratio) <= kNearlyNever;
}

std::vector<Settled> settle(const std::vector<Observed>& repetitions, const ReferenceCore& core, std::size_t enough) {
  std::vector<Settled> settled(repetitions.size());
  if (core.clock == 0 || repetitions.empty()) return settled;
  std::vector<double> shares;
  std::vector<double> times;
  const auto own = static_cast<std::size_t>(
      std::ranges::count_if(repetitions, [&](const Observed& one) { return undisturbed(one.probes, core.own_ratio); }));
  for (std::size_t i = 0; i < repetitions.size(); ++i) {
    const Observed& one = repetitions[i];
    if (const double clock = clock_of(one.probes); clock > 0) settled[i].shorter_by = core.clock / clock;
    settled[i].set_aside = own >= std::max<std::size_t>(enough, 1) && !undisturbed(one.probes, core.own_ratio);
    if (settled[i].set_aside) continue;
    shares.push_back(shared_share(one.probes, core.own_ratio));
    times.push_back(one.cpu_ns / settled[i].shorter_by);
  }
  const double longer = longer_when_shared(shares, times, core);
  for (std::size_t i = 0; i < repetitions.size(); ++i) {
    settled[i].shorter_by *= 1 + shared_share(repetitions[i].probes, core.own_ratio) * (longer - 1);
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
