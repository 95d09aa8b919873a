// SPDX-License-Identifier: Apache-2.0
// 64 neighbouring cache sets (a group) in their fast form: one list of (page frame, valid, dirty, device lines) in the
// order of last use, oldest first.
//
//   oldest                                      newest
//   [frame 7: lines 0..63][frame 3: lines 0..63][frame 9: lines 0..2]
//
// Set i of the group is what the entries say at bit i: the order of the entries that have bit i is the LRU order of
// set i. Each operation is a scan for the frame and a few 64-bit operations for all lines of it.
#pragma once

#include <array>
#include <cstdint>

#include "models/cache/column_counters.h"

namespace sluice::cache {

/// Fixed by the level, given to each operation so that a group stays small.
struct GroupLimits {
  unsigned ways;
  unsigned device_ways;
};

class RecencyList {
 public:
  static constexpr unsigned kSlots = 96;
  struct Entry {
    Frame frame;
    LineMask valid;
    LineMask dirty;
    LineMask device;  ///< allocated by a device's write
  };

  RecencyList() { m_frames.fill(kNoFrame); }

  /// Every operation below that may add an entry needs room first; false: the list is too fragmented.
  [[nodiscard]] bool make_room() { return m_end < m_compact_at || compact(); }

  [[nodiscard]] Held peek(Frame frame) const;
  LineMask use(Frame frame, LineMask lines, bool dirty);
  LineMask mark_dirty(Frame frame, LineMask lines);
  LineMask clean(Frame frame, LineMask lines);
  Held remove(Frame frame, LineMask lines);
  unsigned fill(Frame frame, LineMask lines, bool dirty, GroupLimits limits, DirtyVictims& victims);
  unsigned fill_by_device(Frame frame, LineMask lines, GroupLimits limits, DirtyVictims& victims);

  /// Entries from oldest to newest.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (unsigned i = m_begin; i < m_end; ++i) {
      if (m_lines[i].valid != 0)
        visit(Entry{Frame{m_frames[i]}, m_lines[i].valid, m_lines[i].dirty, m_lines[i].device});
    }
  }
  /// Adds an entry as the newest one, evicting nothing: for building a list.
  void append(const Entry& entry);

 private:
  struct Lines {
    LineMask valid;
    LineMask dirty;
    LineMask device;
  };
  static constexpr std::uint32_t kNoFrame = 0xFFFF'FFFF;  // no memory there: 40 address bits
  static constexpr unsigned kRelaxed = 48;                // slots that an unfragmented group slides through

  template <class Visit>
  void for_each_slot_of(Frame frame, Visit&& visit) const;
  Lines take(Frame frame, LineMask lines);
  void push(Frame frame, const Lines& lines);
  void drop_slot(unsigned slot);
  unsigned evict(LineMask columns, DirtyVictims& victims);
  unsigned evict_device_lines(LineMask columns, DirtyVictims& victims);
  bool compact();

  // Slots outside [m_begin, m_end) and emptied ones carry kNoFrame, so a scan needs no bounds.
  alignas(64) std::array<std::uint32_t, kSlots> m_frames;
  std::array<Lines, kSlots> m_lines{};
  ColumnCounters m_occupied;
  ColumnCounters m_by_device;
  unsigned m_begin = 0;
  unsigned m_end = 0;
  unsigned m_compact_at = kRelaxed;
};

}  // namespace sluice::cache
