// SPDX-License-Identifier: Apache-2.0
#include "tools/analysis/sample_summary.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace sluice::analysis {

namespace {

double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - std::floor(place));
}

}  // namespace

SampleSummary summarise(std::span<const double> values) {
  if (values.empty()) return {};
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const double median = quantile(sorted, 0.5);
  const double between = quantile(sorted, 0.75) - quantile(sorted, 0.25);
  return {sorted.front(), median, sorted.back(), median == 0 ? 0 : between / std::abs(median)};
}

}  // namespace sluice::analysis
