// SPDX-License-Identifier: Apache-2.0
// A shared resource as a reservation timeline: who asks first is served first, and time that nobody used is gone.
// Bandwidth of a link direction, a DRAM channel set, the wire and the medium of a disk are timelines: one reservation
// per transfer instead of one event per line or frame.
#pragma once

#include <algorithm>

#include "models/base/time.h"

namespace sluice::fabric {

class Timeline {
 public:
  struct Slot {
    Picoseconds begin;
    Picoseconds end;
  };

  /// The first slot of `duration` that begins neither before `earliest` nor before the previous slot's end.
  Slot reserve(Picoseconds earliest, Picoseconds duration) {
    const Picoseconds begin = std::max(earliest, m_free_at);
    m_free_at = begin + duration;
    m_busy += duration;
    return {begin, m_free_at};
  }
  /// Gives back what was reserved beyond `at`.
  void cut(Picoseconds at) {
    if (m_free_at <= at) return;
    m_busy = std::max(m_busy - (m_free_at - at), Picoseconds{});
    m_free_at = at;
  }
  [[nodiscard]] Picoseconds free_at() const { return m_free_at; }
  /// Busy time up to `now`. Reservations that reach beyond it count only up to it (the last stretch is taken as
  /// contiguous, which holds for a resource that is behind its requests).
  [[nodiscard]] Picoseconds busy_until(Picoseconds now) const {
    const Picoseconds beyond = std::max(m_free_at - now, Picoseconds{});
    return std::max(m_busy - beyond, Picoseconds{});
  }

 private:
  Picoseconds m_free_at;
  Picoseconds m_busy;
};

}  // namespace sluice::fabric
