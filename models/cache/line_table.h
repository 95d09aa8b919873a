// SPDX-License-Identifier: Apache-2.0
// 64 neighbouring cache sets (a group) in their plain form: every line with its frame and time of last use. Slower for
// whole pages than RecencyList, but its cost does not grow when single lines of many pages are used in turn.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "models/cache/recency_list.h"

namespace sluice::cache {

/// The operations and their results are those of RecencyList.
class LineTable {
 public:
  LineTable(const RecencyList& list, GroupLimits limits);
  /// The same contents and order as a list, when it fits well into one.
  [[nodiscard]] std::optional<RecencyList> as_list() const;

  [[nodiscard]] Held peek(Frame frame) const;
  LineMask use(Frame frame, LineMask lines, bool dirty);
  LineMask mark_dirty(Frame frame, LineMask lines);
  LineMask clean(Frame frame, LineMask lines);
  Held remove(Frame frame, LineMask lines);
  unsigned fill(Frame frame, LineMask lines, bool dirty, GroupLimits limits, DirtyVictims& victims);
  unsigned fill_by_device(Frame frame, LineMask lines, GroupLimits limits, DirtyVictims& victims);

 private:
  struct Line {
    Frame frame;
    bool valid = false;
    bool dirty = false;
    bool device = false;
    std::uint64_t used = 0;  ///< number of the operation that used it last
  };
  template <class Self, class Visit>
  static void for_each_line_of(Self& self, Frame frame, LineMask lines, Visit&& visit);
  Line& victim_in(unsigned column, bool of_device);
  Line& place_for(unsigned column, GroupLimits limits, bool by_device);

  unsigned m_ways;
  std::uint64_t m_operation = 0;
  std::vector<Line> m_lines;  // [column][way]
};

}  // namespace sluice::cache
