// SPDX-License-Identifier: Apache-2.0
#include "tools/crosscheck/bracket.h"

#include <algorithm>
#include <cmath>

namespace sluice::crosscheck {
namespace {

std::int64_t mean(std::int64_t a, std::int64_t b) { return a + (b - a) / 2; }

results::Times mean(const results::Times& a, const results::Times& b) {
  results::Times times = a;
  times.elapsed_ns = mean(a.elapsed_ns, b.elapsed_ns);
  times.cpu_user_ns = mean(a.cpu_user_ns, b.cpu_user_ns);
  times.cpu_kernel_ns = mean(a.cpu_kernel_ns, b.cpu_kernel_ns);
  times.cpu_irq_ns = mean(a.cpu_irq_ns.value_or(0), b.cpu_irq_ns.value_or(0));
  times.cpu_idle_ns = mean(a.cpu_idle_ns.value_or(0), b.cpu_idle_ns.value_or(0));
  return times;
}

}  // namespace

Drift take_mean(std::vector<results::RunResult>& before, const std::vector<results::RunResult>& after) {
  Drift drift;
  std::size_t compared = 0;
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    if (!before[i].time || !after[i].time || before[i].time->busy_ns() == 0) continue;
    const auto first = static_cast<double>(before[i].time->busy_ns());
    const double percent = (static_cast<double>(after[i].time->busy_ns()) / first - 1) * 100;
    drift.mean_percent += percent;
    if (std::abs(percent) > std::abs(drift.worst_percent)) drift.worst_percent = percent;
    before[i].time = mean(*before[i].time, *after[i].time);
    ++compared;
  }
  if (compared > 0) drift.mean_percent /= static_cast<double>(compared);
  return drift;
}

}  // namespace sluice::crosscheck
