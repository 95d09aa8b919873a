// SPDX-License-Identifier: Apache-2.0
#include "tools/native/calibration/working_sets.h"

#include <algorithm>
#include <cmath>

#include "models/base/result.h"
#include "tools/native/calibration/estimators.h"

namespace sluice::calibration {
namespace {

/// Up to three of the points [begin, end), in their middle.
std::vector<base::Bytes> middle_of(const std::vector<SweepPoint>& sweep, std::size_t begin, std::size_t end) {
  std::vector<base::Bytes> sets;
  const std::size_t middle = begin + (end - begin) / 2;
  for (std::size_t i = std::max(middle, begin + 1) - 1; i < std::min(middle + 2, end); ++i) {
    sets.push_back(sweep[i].working_set);
  }
  return sets;
}

}  // namespace

std::vector<base::Bytes> working_sets(base::Bytes unit, base::Bytes largest) {
  std::vector<base::Bytes> sets;
  for (base::Bytes octave = unit; octave <= largest; octave *= 2) {
    sets.push_back(octave);
    const base::Bytes between = octave / 2 * 3;
    if (octave > unit && between < largest) sets.push_back(between);
  }
  return sets;
}

CacheFit fit_last_level(const std::vector<SweepPoint>& source, const std::vector<SweepPoint>& destination,
                        base::Bytes l2) {
  const auto first_beyond = [&](base::Bytes size) {
    std::size_t i = 0;
    while (i < source.size() && source[i].working_set <= size) ++i;
    return i;
  };
  const std::size_t beyond_l2 = first_beyond(l2);
  const std::size_t in_l2 = first_beyond(l2 / 2);
  // Two curves as one: their geometric mean at each working set.
  std::vector<double> both;
  for (std::size_t i = beyond_l2; i < source.size(); ++i) {
    both.push_back(std::sqrt(source[i].nanoseconds * destination[i].nanoseconds));
  }
  const std::vector<Step> steps = fit_staircase(both, 2);
  if (steps.size() < 2 || in_l2 == 0) throw base::InputError{"too few working sets to tell the caches apart"};
  const std::size_t in_memory = beyond_l2 + steps[0].end;
  const double last_that_fits = static_cast<double>(source[in_memory - 1].working_set);
  const double first_that_does_not = static_cast<double>(source[in_memory].working_set);
  return {static_cast<base::Bytes>(std::sqrt(last_that_fits * first_that_does_not)), middle_of(source, 0, in_l2),
          middle_of(source, beyond_l2, in_memory), middle_of(source, in_memory, source.size())};
}

}  // namespace sluice::calibration
