// SPDX-License-Identifier: Apache-2.0
#include "models/fabric/first_fit_timeline.h"

#include <algorithm>
#include <iterator>

namespace sluice::fabric {

FirstFitTimeline::Slot FirstFitTimeline::reserve(Picoseconds earliest, Picoseconds duration) {
  constexpr std::size_t kSlotsKept = 64;
  Picoseconds begin = std::max(earliest, m_forgotten_before);
  auto next = std::partition_point(m_slots.begin(), m_slots.end(), [&](const Slot& s) { return s.end <= begin; });
  while (next != m_slots.end() && next->begin < begin + duration) {
    begin = std::max(begin, next->end);
    ++next;
  }
  const Slot slot{begin, begin + duration};
  m_busy += duration;

  const bool joins_before = next != m_slots.begin() && std::prev(next)->end == slot.begin;
  const bool joins_after = next != m_slots.end() && next->begin == slot.end;
  if (joins_before && joins_after) {
    std::prev(next)->end = next->end;
    m_slots.erase(next);
  } else if (joins_before) {
    std::prev(next)->end = slot.end;
  } else if (joins_after) {
    next->begin = slot.begin;
  } else {
    m_slots.insert(next, slot);
    if (m_slots.size() > kSlotsKept) {
      m_forgotten_before = m_slots.front().end;
      m_slots.erase(m_slots.begin());
    }
  }
  return slot;
}

Picoseconds FirstFitTimeline::busy_until(Picoseconds now) const {
  Picoseconds beyond;
  for (const Slot& slot : m_slots) {
    if (slot.end > now) beyond += slot.end - std::max(slot.begin, now);
  }
  return m_busy - beyond;
}

}  // namespace sluice::fabric
