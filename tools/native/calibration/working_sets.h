// SPDX-License-Identifier: Apache-2.0
// From copies over growing working sets to the caches that copies see. What a machine says of its caches need not be
// what a program gets: others share the last level, and a virtual machine may be told anything.
#pragma once

#include <vector>

#include "models/base/types.h"

namespace sluice::calibration {

/// The time of one operation (a page copied) over a working set of so many bytes.
struct SweepPoint {
  base::Bytes working_set = 0;
  double nanoseconds = 0;
};

/// L1, L2, last level, memory.
inline constexpr std::size_t kLevels = 4;

/// Working sets from a page to `largest`, two in an octave, in whole pages.
std::vector<base::Bytes> working_sets(base::Bytes largest);

struct CacheFit {
  base::Bytes size[kLevels - 1] = {};         ///< of L1, L2 and the last level
  std::vector<base::Bytes> typical[kLevels];  ///< up to three working sets of the sweeps in the middle of a level
};

/// Fits both sweeps at once, which must be over the same working sets: the sizes are common.
/// `l1` and `l2` are what the processor says of them, for these are a core's own. The last level's size is where a
/// staircase of two steps fits the sets beyond `l2` best: half way (in the logarithm) between the last that fits and
/// the first that does not. InputError when there are too few points.
CacheFit fit_caches(const std::vector<SweepPoint>& source, const std::vector<SweepPoint>& destination, base::Bytes l1,
                    base::Bytes l2);

}  // namespace sluice::calibration
