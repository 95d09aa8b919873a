// SPDX-License-Identifier: Apache-2.0
#include "models/fabric/gap_timeline.h"

#include <algorithm>

namespace sluice::fabric {
namespace {
// More than are ever ahead of the slowest caller; half of them are forgotten when it is reached.
constexpr std::size_t kMostIntervals = 1024;
}  // namespace

Picoseconds GapTimeline::reserve(Picoseconds earliest, Picoseconds duration) {
  Picoseconds begin = std::max(earliest, m_forgotten_until);
  if (duration <= Picoseconds{}) return begin;

  // The first interval that ends at or after `begin`: the only one before it that the new time can touch.
  auto next = m_reserved.end();
  while (next != m_reserved.begin() && std::prev(next)->end >= begin) --next;
  if (next != m_reserved.end() && next->begin <= begin) {
    begin = next->end;
  } else {
    next = m_reserved.insert(next, {begin, begin});
  }
  // `next` now ends at `begin`; it grows over gaps and swallows what it meets.
  auto last = std::next(next);
  while (true) {
    const Picoseconds gap_end = last != m_reserved.end() ? last->begin : begin + duration;
    const Picoseconds taken = std::min(duration, gap_end - begin);
    begin += taken;
    duration -= taken;
    if (last == m_reserved.end() || begin < last->begin) break;  // it ends inside a gap
    // Touching the following interval: join it, and go on behind it if time is still wanted.
    if (duration <= Picoseconds{}) {
      next->end = last->end;
      m_reserved.erase(std::next(next), std::next(last));
      return begin;
    }
    begin = last->end;
    ++last;
  }
  next->end = begin;
  m_reserved.erase(std::next(next), last);
  if (m_reserved.size() > kMostIntervals) forget_oldest();
  return begin;
}

void GapTimeline::forget_oldest() {
  const auto keep = m_reserved.begin() + kMostIntervals / 2;
  for (auto interval = m_reserved.begin(); interval != keep; ++interval)
    m_forgotten_busy += interval->end - interval->begin;
  m_forgotten_until = std::prev(keep)->end;
  m_reserved.erase(m_reserved.begin(), keep);
}

Picoseconds GapTimeline::busy_until(Picoseconds now) const {
  Picoseconds busy = m_forgotten_busy;
  for (const Interval& interval : m_reserved) {
    if (interval.begin >= now) break;
    busy += std::min(interval.end, now) - interval.begin;
  }
  return busy;
}

}  // namespace sluice::fabric
