// SPDX-License-Identifier: Apache-2.0
// A reservation timeline that fills gaps, each reservation in one piece. A flash page that is sensed early does not
// wait on its channel behind one that was asked for earlier and is sensed late.
#pragma once

#include <vector>

#include "models/base/time.h"

namespace sluice::fabric {

class FirstFitTimeline {
 public:
  struct Slot {
    Picoseconds begin;
    Picoseconds end;
  };

  /// The first free slot of `duration` (positive) that begins no earlier than `earliest`.
  Slot reserve(Picoseconds earliest, Picoseconds duration);
  /// Reserved time up to `now`.
  [[nodiscard]] Picoseconds busy_until(Picoseconds now) const;

 private:
  std::vector<Slot> m_slots;       // ascending, disjoint, not touching; only the latest ones
  Picoseconds m_forgotten_before;  // slots before it are no longer in the list, so that no gap there can be used
  Picoseconds m_busy;
};

}  // namespace sluice::fabric
