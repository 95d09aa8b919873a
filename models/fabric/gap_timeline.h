// SPDX-License-Identifier: Apache-2.0
// A reservation timeline that remembers its gaps. fabric::Timeline serves requests in the order of the calls; here the
// callers' clocks differ (a core runs ahead, a DMA is dated ahead by microseconds), and a request for now must not
// queue behind one that was announced earlier for later.
//
//   reserved   [####]......[##########]....[###]        request: 8 units from here
//                    ^                                    takes the 6 free units, then 2 of the next gap
//
// A request takes free time from its earliest instant on, in pieces if need be, as interleaved bursts do. When callers
// come in the order of their times, the result is that of fabric::Timeline.
#pragma once

#include <vector>

#include "models/base/time.h"

namespace sluice::fabric {

class GapTimeline {
 public:
  /// Takes `duration` of free time, none of it before `earliest`. Returns the end of the last piece.
  Picoseconds reserve(Picoseconds earliest, Picoseconds duration);
  /// Reserved time before `now`.
  [[nodiscard]] Picoseconds busy_until(Picoseconds now) const;

 private:
  struct Interval {
    Picoseconds begin;
    Picoseconds end;
  };
  void forget_oldest();

  std::vector<Interval> m_reserved;  // ascending, disjoint, not touching
  Picoseconds m_forgotten_until;     // no gap before this is offered any more
  Picoseconds m_forgotten_busy;      // reserved time before it
};

}  // namespace sluice::fabric
