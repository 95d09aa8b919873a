// SPDX-License-Identifier: Apache-2.0
#include "tools/native/calibration/working_sets.h"

#include <algorithm>
#include <cmath>

#include "models/base/result.h"
#include "tools/native/calibration/estimators.h"

namespace sluice::calibration {
std::vector<base::Bytes> working_sets(base::Bytes largest) {
  std::vector<base::Bytes> sets;
  for (base::Bytes octave = base::kPageSize; octave <= largest; octave *= 2) {
    sets.push_back(octave);
    const base::Bytes between = octave / 2 * 3 / base::kPageSize * base::kPageSize;  // 1.5 times; not of one page
    if (between > octave && between < largest) sets.push_back(between);
  }
  return sets;
}

CacheFit fit_caches(const std::vector<SweepPoint>& source, const std::vector<SweepPoint>& destination, base::Bytes l1,
                    base::Bytes l2) {
  const auto first_beyond = [&](base::Bytes size) {
    std::size_t i = 0;
    while (i < source.size() && source[i].working_set <= size) ++i;
    return i;
  };
  const std::size_t beyond_l2 = first_beyond(l2);
  // Two curves as one: their geometric mean at each working set.
  std::vector<double> both;
  for (std::size_t i = beyond_l2; i < source.size(); ++i) {
    both.push_back(std::sqrt(source[i].nanoseconds * destination[i].nanoseconds));
  }
  const std::vector<Step> steps = fit_staircase(both, 2);
  const std::size_t ends[kLevels] = {first_beyond(l1), beyond_l2, steps.empty() ? 0 : beyond_l2 + steps[0].end,
                                     source.size()};
  std::size_t begin = 0;
  CacheFit fit;
  for (std::size_t level = 0; level < kLevels; ++level) {
    const std::size_t end = ends[level];
    if (steps.size() < 2 || end <= begin) throw base::InputError{"too few working sets to tell the caches apart"};
    const std::size_t middle = begin + (end - begin) / 2;
    for (std::size_t i = std::max(middle, begin + 1) - 1; i < std::min(middle + 2, end); ++i) {
      fit.typical[level].push_back(source[i].working_set);
    }
    begin = end;
  }
  fit.size[0] = l1;
  fit.size[1] = l2;
  fit.size[2] = static_cast<base::Bytes>(std::sqrt(static_cast<double>(source[ends[2] - 1].working_set) *
                                                   static_cast<double>(source[ends[2]].working_set)));
  return fit;
}

}  // namespace sluice::calibration
