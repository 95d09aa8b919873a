// SPDX-License-Identifier: Apache-2.0
// From copies over growing working sets to the last-level cache that copies see. What a machine says of it need not be
// what a program gets: others share it, and a virtual machine may be told anything.
#pragma once

#include <vector>

#include "models/base/types.h"

namespace sluice::calibration {

/// The time of one copy over a working set of so many bytes.
struct SweepPoint {
  base::Bytes working_set = 0;
  double nanoseconds = 0;
};

/// Working sets from `unit` to `largest`, two in an octave from twice `unit` on, in whole units.
std::vector<base::Bytes> working_sets(base::Bytes unit, base::Bytes largest);

struct CacheFit {
  base::Bytes last_level_size = 0;
  /// Up to three working sets of the sweeps, in the middle of those served by a level. Of L2 the lower half: the other
  /// side of the copy, code, and what else works on the core want some of it.
  std::vector<base::Bytes> in_l2;
  std::vector<base::Bytes> in_last_level;
  std::vector<base::Bytes> in_memory;
};

/// Fits both sweeps at once, which must be over the same working sets: the size is common. It is where a staircase of
/// two steps fits the sets beyond `l2` (what the processor says of the cache before) best: half way (in the logarithm)
/// between the last set that fits and the first that does not. InputError when there are too few points.
CacheFit fit_last_level(const std::vector<SweepPoint>& source, const std::vector<SweepPoint>& destination,
                        base::Bytes l2);

}  // namespace sluice::calibration
