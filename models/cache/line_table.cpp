// SPDX-License-Identifier: Apache-2.0
#include "models/cache/line_table.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "models/base/result.h"

namespace sluice::cache {
namespace {

template <class Visit>
void for_each_bit(LineMask lines, Visit&& visit) {
  for (; lines != 0; lines &= lines - 1) visit(static_cast<unsigned>(std::countr_zero(lines)));
}
constexpr LineMask bit(unsigned column) { return LineMask{1} << column; }

}  // namespace

LineTable::LineTable(const RecencyList& list, GroupLimits limits)
    : m_ways(limits.ways), m_lines(std::size_t{kLinesPerPage} * limits.ways) {
  std::array<unsigned, kLinesPerPage> next_way{};
  list.for_each([&](const RecencyList::Entry& entry) {
    ++m_operation;
    for_each_bit(entry.valid, [&](unsigned column) {
      m_lines[column * m_ways + next_way[column]++] = {entry.frame, true, (entry.dirty & bit(column)) != 0,
                                                       (entry.device & bit(column)) != 0, m_operation};
    });
  });
}

std::optional<RecencyList> LineTable::as_list() const {
  struct Placed {
    const Line* line;
    unsigned column;
  };
  std::vector<Placed> order;
  order.reserve(m_lines.size());
  for (unsigned i = 0; i < m_lines.size(); ++i) {
    if (m_lines[i].valid) order.push_back({&m_lines[i], i / m_ways});
  }
  std::sort(order.begin(), order.end(), [](const Placed& a, const Placed& b) {
    return a.line->used != b.line->used ? a.line->used < b.line->used : a.column < b.column;
  });

  RecencyList list;
  unsigned entries = 0;
  for (std::size_t i = 0; i < order.size();) {
    if (++entries > RecencyList::kSlots / 2 || !list.make_room()) return std::nullopt;
    // One operation is on one frame, so lines with the same number make one entry.
    RecencyList::Entry entry{order[i].line->frame, 0, 0, 0};
    for (const std::uint64_t operation = order[i].line->used; i < order.size() && order[i].line->used == operation;
         ++i) {
      entry.valid |= bit(order[i].column);
      if (order[i].line->dirty) entry.dirty |= bit(order[i].column);
      if (order[i].line->device) entry.device |= bit(order[i].column);
    }
    list.append(entry);
  }
  return list;
}

template <class Self, class Visit>
void LineTable::for_each_line_of(Self& self, Frame frame, LineMask lines, Visit&& visit) {
  for_each_bit(lines, [&](unsigned column) {
    auto* set = &self.m_lines[column * self.m_ways];
    for (unsigned way = 0; way < self.m_ways; ++way) {
      if (set[way].valid && set[way].frame == frame) {
        visit(set[way], bit(column));
        return;
      }
    }
  });
}

Held LineTable::peek(Frame frame) const {
  Held held;
  for_each_line_of(*this, frame, kWholePage, [&](const Line& line, LineMask here) {
    held.valid |= here;
    if (line.dirty) held.dirty |= here;
  });
  return held;
}

LineMask LineTable::use(Frame frame, LineMask lines, bool dirty) {
  ++m_operation;
  LineMask found = 0;
  for_each_line_of(*this, frame, lines, [&](Line& line, LineMask here) {
    line.used = m_operation;
    line.dirty |= dirty;
    found |= here;
  });
  return found;
}

LineMask LineTable::mark_dirty(Frame frame, LineMask lines) {
  LineMask found = 0;
  for_each_line_of(*this, frame, lines, [&](Line& line, LineMask here) {
    line.dirty = true;
    found |= here;
  });
  return found;
}

LineMask LineTable::clean(Frame frame, LineMask lines) {
  LineMask found = 0;
  for_each_line_of(*this, frame, lines, [&](Line& line, LineMask here) {
    if (line.dirty) found |= here;
    line.dirty = false;
  });
  return found;
}

Held LineTable::remove(Frame frame, LineMask lines) {
  Held removed;
  for_each_line_of(*this, frame, lines, [&](Line& line, LineMask here) {
    removed.valid |= here;
    if (line.dirty) removed.dirty |= here;
    line = Line{};
  });
  return removed;
}

/// The oldest line of the set, or the oldest of those that a device allocated.
LineTable::Line& LineTable::victim_in(unsigned column, bool of_device) {
  Line* oldest = nullptr;
  for (unsigned way = 0; way < m_ways; ++way) {
    Line& line = m_lines[column * m_ways + way];
    if (line.valid && (line.device || !of_device) && (oldest == nullptr || line.used < oldest->used)) oldest = &line;
  }
  base::ensure(oldest != nullptr, "a full cache set has a victim");
  return *oldest;
}

/// Where a new line goes: in place of a device's line when a device is at its limit, else a free way, else the oldest.
LineTable::Line& LineTable::place_for(unsigned column, GroupLimits limits, bool by_device) {
  unsigned from_device = 0;
  Line* free = nullptr;
  for (unsigned way = 0; way < m_ways; ++way) {
    Line& line = m_lines[column * m_ways + way];
    if (!line.valid) free = &line;
    if (line.valid && line.device) ++from_device;
  }
  if (by_device && from_device == limits.device_ways) return victim_in(column, true);
  return free != nullptr ? *free : victim_in(column, false);
}

unsigned LineTable::fill(Frame frame, LineMask lines, bool dirty, GroupLimits limits, DirtyVictims& victims) {
  ++m_operation;
  unsigned evicted = 0;
  for_each_bit(lines, [&](unsigned column) {
    Line& place = place_for(column, limits, false);
    if (place.valid) ++evicted;
    if (place.dirty) victims.add(place.frame, bit(column));
    place = {frame, true, dirty, false, m_operation};
  });
  return evicted;
}

unsigned LineTable::fill_by_device(Frame frame, LineMask lines, GroupLimits limits, DirtyVictims& victims) {
  ++m_operation;
  unsigned evicted = 0;
  for_each_bit(lines, [&](unsigned column) {
    Line& place = place_for(column, limits, true);
    if (place.valid) ++evicted;
    if (place.dirty) victims.add(place.frame, bit(column));
    place = {frame, true, true, true, m_operation};
  });
  return evicted;
}

}  // namespace sluice::cache
