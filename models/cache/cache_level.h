// SPDX-License-Identifier: Apache-2.0
// One set-associative write-back cache with exact true-LRU replacement, asked for runs of lines within a page.
//
// Why the set index must contain address bits 6 to 11 unmixed: then line i of any page can only lie in sets i, i + 64,
// i + 128, ... , so the cache falls into groups of 64 sets, one per line position, and a page meets exactly one group:
//
//   set = 64 x (frame mod groups) + line in page          groups = sets / 64, any number, not only a power of two
//
// Within a group all lines of a page are handled at once (recency_list.h). A group whose contents are too fragmented
// for that changes to a line-by-line form (line_table.h) and back; results are the same to the last counter.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "models/cache/cache_config.h"
#include "models/cache/line_table.h"
#include "models/cache/recency_list.h"

namespace sluice::cache {

struct LevelCounts {
  std::uint64_t hits = 0;        ///< lines found by a use
  std::uint64_t misses = 0;      ///< lines not found by a use
  std::uint64_t evictions = 0;   ///< lines pushed out by a fill, clean or dirty
  std::uint64_t writebacks = 0;  ///< dirty ones among them
  LevelCounts& operator+=(const LevelCounts& other) {
    hits += other.hits;
    misses += other.misses;
    evictions += other.evictions;
    writebacks += other.writebacks;
    return *this;
  }
  bool operator==(const LevelCounts&) const = default;
};

class CacheLevel {
 public:
  /// `device_ways`: most lines per set that fill_by_device may have put there (1 to ways).
  explicit CacheLevel(LevelGeometry geometry, unsigned device_ways = 1);

  /// The lines of the frame that are here. Changes nothing.
  [[nodiscard]] Held peek(Frame frame) const;
  /// Looks the lines up: those found become the most recently used, and dirty when `dirty`. Returns them.
  LineMask use(Frame frame, LineMask lines, bool dirty);
  /// Adds lines, none of which may be here, as the most recently used. Their victims that are dirty go to `victims`.
  void fill(Frame frame, LineMask lines, bool dirty, DirtyVictims& victims);
  /// As fill with dirty lines, but in a set that holds `device_ways` lines filled so already, the oldest of those is
  /// the victim. A line keeps this origin until it leaves.
  void fill_by_device(Frame frame, LineMask lines, DirtyVictims& victims);
  /// Makes those lines dirty that are here, without using them. Returns them.
  LineMask mark_dirty(Frame frame, LineMask lines);
  /// Makes lines clean. Returns those that were dirty.
  LineMask clean(Frame frame, LineMask lines);
  /// Drops lines. Returns what was here.
  Held remove(Frame frame, LineMask lines);
  /// Drops everything. Counters stay.
  void clear();

  [[nodiscard]] const LevelCounts& counts() const { return m_counts; }
  /// Groups in their line-by-line form now.
  [[nodiscard]] unsigned fragmented_groups() const { return m_fragmented; }

 private:
  struct Group {
    RecencyList list;
    std::unique_ptr<LineTable> table;  // present while the group is fragmented
    unsigned until_retry = 0;          // fills and uses until it tries to become a list again
  };
  Group& group_of(Frame frame);
  [[nodiscard]] const Group& group_of(Frame frame) const;
  void prepare(Group& group);
  void count_evictions(unsigned evicted, unsigned dirty);

  GroupLimits m_limits;
  std::uint32_t m_group_count;
  std::uint64_t m_reciprocal;  // 2^64 / groups, rounded up
  std::vector<Group> m_groups;
  LevelCounts m_counts;
  unsigned m_fragmented = 0;
};

}  // namespace sluice::cache
