// SPDX-License-Identifier: Apache-2.0
// Robust statistics: timings on a machine that others use too have outliers upwards, so no plain mean and no least
// squares.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace sluice::calibration {

/// The value below which `share` (0 to 1) of the samples lie, interpolated between neighbours. 0 without samples.
double quantile(std::vector<double> samples, double share);

/// Beyond so many times the median something else had the core for a while (the hypervisor, another process).
inline constexpr double kOutOfPlace = 3;
/// The mean of the samples that are not: what many of them take together, with what disturbs now and then and is the
/// kernel's own (ticks, caches that others have filled). 0 without samples.
double usual_mean(const std::vector<double>& samples);

struct Estimate {
  double value = 0;   ///< the median
  double spread = 0;  ///< interquartile range as a share of the median
};
Estimate estimate(const std::vector<double>& samples);

struct Line {
  double intercept = 0;
  double slope = 0;
};
/// The line through most points: the median of the slopes of all pairs, the median of what is left (Theil 1950, Sen
/// 1968). Holds with up to 29 % of the points anywhere. At least two different x.
Line theil_sen(std::span<const double> x, std::span<const double> y);

/// A staircase under measured points: the points [end of the one before, end) cost `height` each.
struct Step {
  std::size_t end = 0;
  double height = 0;
};
/// Splits `y` into `steps` pieces of at least two points (the last: one) such that the sum of |log y - log height| is
/// least; heights are the medians of their pieces and never fall. Exhaustive: meant for some dozens of points.
/// Fewer steps come back when there are too few points.
std::vector<Step> fit_staircase(std::span<const double> y, std::size_t steps);

}  // namespace sluice::calibration
