// SPDX-License-Identifier: Apache-2.0
// What several measurements of one quantity say.
#pragma once

#include <span>

namespace sluice::analysis {

struct SampleSummary {
  double minimum = 0;
  double median = 0;
  double maximum = 0;
  /// Distance of the quartiles divided by the median: half of the measurements lie within so much of each other. One
  /// disturbed repetition of five does not move it. 0 for a single measurement.
  double spread = 0;
};

/// Of at least one value. Quantiles between two values are interpolated linearly (Hyndman and Fan, type 7).
SampleSummary summarise(std::span<const double> values);

}  // namespace sluice::analysis
