// SPDX-License-Identifier: Apache-2.0
// The caches as a textbook would write them: one line at a time, LRU by the number of the last use. Slow and obvious;
// the bit-parallel caches must agree with it in every counter.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "models/cache/cache_hierarchy.h"

namespace sluice::cache::tests {

using LineNumber = std::uint64_t;  ///< physical address / 64

class ReferenceCacheLevel {
 public:
  explicit ReferenceCacheLevel(LevelGeometry geometry, unsigned device_ways = 1)
      : m_sets(geometry.sets()), m_ways(geometry.ways), m_device_ways(device_ways), m_lines(m_sets) {}

  struct Line {
    LineNumber number;
    bool dirty;
    bool device;
    std::uint64_t used;
  };
  struct Victim {
    LineNumber number;
    bool dirty;
  };

  [[nodiscard]] const Line* peek(LineNumber number) const {
    for (const Line& line : m_lines[number % m_sets]) {
      if (line.number == number) return &line;
    }
    return nullptr;
  }
  bool use(LineNumber number, bool dirty) {
    Line* line = find(number);
    ++(line != nullptr ? counts.hits : counts.misses);
    if (line == nullptr) return false;
    line->used = ++m_clock;
    line->dirty |= dirty;
    return true;
  }
  bool mark_dirty(LineNumber number) {
    Line* line = find(number);
    if (line != nullptr) line->dirty = true;
    return line != nullptr;
  }
  bool clean(LineNumber number) {
    Line* line = find(number);
    const bool was_dirty = line != nullptr && line->dirty;
    if (line != nullptr) line->dirty = false;
    return was_dirty;
  }
  std::optional<Line> remove(LineNumber number) {
    auto& set = m_lines[number % m_sets];
    for (auto line = set.begin(); line != set.end(); ++line) {
      if (line->number != number) continue;
      const Line gone = *line;
      set.erase(line);
      return gone;
    }
    return std::nullopt;
  }
  std::optional<Victim> fill(LineNumber number, bool dirty, bool by_device = false) {
    auto& set = m_lines[number % m_sets];
    std::size_t from_device = 0;
    for (const Line& line : set) from_device += line.device ? 1U : 0U;
    std::optional<Victim> victim;
    if (by_device && from_device == m_device_ways) {
      victim = evict(set, true);
    } else if (set.size() == m_ways) {
      victim = evict(set, false);
    }
    set.push_back({number, dirty, by_device, ++m_clock});
    return victim;
  }

  LevelCounts counts;

 private:
  Line* find(LineNumber number) { return const_cast<Line*>(peek(number)); }
  Victim evict(std::vector<Line>& set, bool of_device) {
    auto oldest = set.end();
    for (auto line = set.begin(); line != set.end(); ++line) {
      if ((line->device || !of_device) && (oldest == set.end() || line->used < oldest->used)) oldest = line;
    }
    const Victim victim{oldest->number, oldest->dirty};
    set.erase(oldest);
    ++counts.evictions;
    if (victim.dirty) ++counts.writebacks;
    return victim;
  }

  std::uint64_t m_sets;
  std::size_t m_ways;
  std::size_t m_device_ways;
  std::uint64_t m_clock = 0;
  std::vector<std::vector<Line>> m_lines;
};

/// The rules of cache_hierarchy.h, one line after another.
class ReferenceHierarchy {
 public:
  ReferenceHierarchy(const CacheConfig& config, unsigned cores)
      : m_config(config), m_llc(config.llc, config.ddio_ways) {
    for (unsigned i = 0; i < cores; ++i)
      m_cores.push_back({ReferenceCacheLevel{config.l1}, ReferenceCacheLevel{config.l2}});
  }

  CoreOutcome access(unsigned core, PhysAddr address, Bytes size, fabric::AccessKind kind) {
    CoreOutcome outcome;
    for_each_line(address, size, [&](LineNumber line, bool whole) {
      ++outcome.lines[static_cast<std::size_t>(access_line(core, line, whole, kind, outcome))];
    });
    for (std::size_t i = 0; i < outcome.lines.size(); ++i) counts.core_lines[i] += outcome.lines[i];
    counts.dram_read += outcome.dram_read;
    counts.dram_written += outcome.dram_written;
    return outcome;
  }

  DeviceOutcome device_read(PhysAddr address, Bytes size) {
    DeviceOutcome outcome;
    for_each_line(address, size, [&](LineNumber line, bool) {
      bool cached = m_llc.peek(line) != nullptr;
      for (const Core& core : m_cores) cached |= core.l1.peek(line) != nullptr || core.l2.peek(line) != nullptr;
      ++(cached ? outcome.hits : outcome.misses);
      if (!cached) outcome.dram_read += kLineSize;
    });
    counts.device_read_hits += outcome.hits;
    counts.device_read_misses += outcome.misses;
    counts.dram_read += outcome.dram_read;
    return outcome;
  }

  DeviceOutcome device_write(PhysAddr address, Bytes size) {
    DeviceOutcome outcome;
    for_each_line(address, size, [&](LineNumber line, bool whole) {
      bool in_a_core = false;
      for (Core& core : m_cores) {
        const bool l1 = core.l1.remove(line).has_value();
        const bool l2 = core.l2.remove(line).has_value();
        in_a_core |= l1 || l2;
        counts.device_invalidations += l1 || l2 ? 1U : 0U;
      }
      if (!m_config.ddio) {
        m_llc.remove(line);
        ++outcome.misses;
        outcome.dram_written += kLineSize;
        return;
      }
      if (m_llc.use(line, true)) {
        ++outcome.hits;
        ++counts.device_write_hits;
        return;
      }
      ++outcome.misses;
      ++counts.ddio_allocations;
      if (!whole && !in_a_core) outcome.dram_read += kLineSize;
      const auto victim = m_llc.fill(line, true, true);
      if (victim && victim->dirty) outcome.dram_written += kLineSize;
    });
    counts.dram_read += outcome.dram_read;
    counts.dram_written += outcome.dram_written;
    return outcome;
  }

  [[nodiscard]] LevelCounts l1_counts() const { return sum(&Core::l1); }
  [[nodiscard]] LevelCounts l2_counts() const { return sum(&Core::l2); }
  [[nodiscard]] LevelCounts llc_counts() const { return m_llc.counts; }
  HierarchyCounts counts;

 private:
  struct Core {
    ReferenceCacheLevel l1;
    ReferenceCacheLevel l2;
  };

  template <class Visit>
  static void for_each_line(PhysAddr address, Bytes size, Visit&& visit) {
    const std::uint64_t begin = address.value();
    const std::uint64_t end = begin + size;
    for (LineNumber line = begin / kLineSize; line * kLineSize < end; ++line) {
      visit(line, line * kLineSize >= begin && (line + 1) * kLineSize <= end);
    }
  }

  fabric::HitLevel access_line(unsigned core, LineNumber line, bool whole, fabric::AccessKind kind,
                               CoreOutcome& outcome) {
    const bool write = kind == fabric::AccessKind::Write;
    bool peer = false;
    for (unsigned other = 0; other < m_cores.size(); ++other) {
      if (other == core) continue;
      auto& [l1, l2] = m_cores[other];
      if (write) {
        const auto from_l1 = l1.remove(line);
        const auto from_l2 = l2.remove(line);
        counts.core_invalidations += from_l1 || from_l2 ? 1U : 0U;
        peer |= (from_l1 && from_l1->dirty) || (from_l2 && from_l2->dirty);
      } else {
        const bool from_l1 = l1.clean(line);
        const bool from_l2 = l2.clean(line);
        peer |= from_l1 || from_l2;
      }
    }
    Core& own = m_cores[core];
    if (own.l1.use(line, write)) return fabric::HitLevel::L1;
    fabric::HitLevel found = fabric::HitLevel::L2;
    if (!own.l2.use(line, false)) {
      found = m_llc.use(line, false) ? fabric::HitLevel::Llc : fabric::HitLevel::Memory;
      if (peer) {
        found = fabric::HitLevel::Peer;
        write_back_to_llc(line, outcome);
      } else if (found == fabric::HitLevel::Memory) {
        if (write && whole && m_config.no_fetch_full_line_writes) {
          ++counts.unfetched_lines;
        } else {
          outcome.dram_read += kLineSize;
        }
        fill_llc(line, false, outcome);
      }
      fill_l2(own, line, false, outcome);
    }
    const auto victim = own.l1.fill(line, write);
    if (victim && victim->dirty && !own.l2.mark_dirty(victim->number)) fill_l2(own, victim->number, true, outcome);
    return found;
  }
  void fill_l2(Core& own, LineNumber line, bool dirty, CoreOutcome& outcome) {
    const auto victim = own.l2.fill(line, dirty);
    if (victim && victim->dirty) write_back_to_llc(victim->number, outcome);
  }
  void write_back_to_llc(LineNumber line, CoreOutcome& outcome) {
    if (!m_llc.mark_dirty(line)) fill_llc(line, true, outcome);
  }
  void fill_llc(LineNumber line, bool dirty, CoreOutcome& outcome) {
    const auto victim = m_llc.fill(line, dirty);
    if (victim && victim->dirty) outcome.dram_written += kLineSize;
  }
  [[nodiscard]] LevelCounts sum(ReferenceCacheLevel Core::*level) const {
    LevelCounts all;
    for (const Core& core : m_cores) all += (core.*level).counts;
    return all;
  }

  CacheConfig m_config;
  std::vector<Core> m_cores;
  ReferenceCacheLevel m_llc;
};

}  // namespace sluice::cache::tests
