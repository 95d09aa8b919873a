// SPDX-License-Identifier: Apache-2.0
// The caches of a machine: a private L1D and L2 per core, one last-level cache (LLC) for all cores and devices.
// Decides hits, victims and coherence; knows no time and moves no bytes. No SystemC.
//
//   core 0: L1 - L2 -+
//   core 1: L1 - L2 -+- LLC - DRAM
//   devices (DMA) ---+
//
// Rules, per line
// - Neither inclusive nor exclusive: a miss fills every level on its way; a victim leaves only its own level.
// - A dirty victim goes to the next level: marked dirty in place if it is there (its recency stays), else filled.
//   Order of a miss: LLC fill, L2 fill and its write-back, L1 fill and its write-back.
// - A line dirty in a core's L1 or L2 is in no other core's. Reading it from another core makes it clean there; the
// data
//   also goes to the LLC, dirty. Writing a line drops it from all other cores.
// - A device's write drops the line from all cores. With DDIO the LLC then holds it, dirty: updated in place, or filled
//   within the limit of `ddio_ways`. Without DDIO the LLC drops it too and memory is written.
// - A device's read is served by whichever cache has the line, else by memory, and changes nothing.
#pragma once

#include <vector>

#include "models/cache/cache_level.h"
#include "models/cache/presence_map.h"
#include "models/fabric/core_memory.h"

namespace sluice::cache {

/// Lines of one page that are accessed, and which of them from end to end.
struct LineSpan {
  Frame frame;
  LineMask touched = 0;
  LineMask covered = 0;  ///< subset of touched
  /// [address, address + size) must not cross a page.
  static LineSpan of(PhysAddr address, Bytes size) {
    return {Frame::of(address), lines_touched(address.page_offset(), size), lines_covered(address.page_offset(), size)};
  }
};

struct CoreOutcome {
  std::array<std::uint32_t, fabric::kHitLevels> lines{};  ///< by where they were found
  Bytes dram_read = 0;
  Bytes dram_written = 0;
  bool operator==(const CoreOutcome&) const = default;
};

struct DeviceOutcome {
  std::uint32_t hits = 0;    ///< lines that a cache had
  std::uint32_t misses = 0;  ///< lines that none had
  Bytes dram_read = 0;
  Bytes dram_written = 0;
  bool operator==(const DeviceOutcome&) const = default;
};

struct HierarchyCounts {
  std::array<std::uint64_t, fabric::kHitLevels> core_lines{};  ///< lines that cores accessed, by where they were found
  std::uint64_t unfetched_lines = 0;       ///< misses of whole-line writes that were not read from memory
  std::uint64_t device_read_hits = 0;      ///< lines
  std::uint64_t device_read_misses = 0;    ///< lines
  std::uint64_t device_write_hits = 0;     ///< lines updated in the LLC
  std::uint64_t ddio_allocations = 0;      ///< lines that device writes brought into the LLC
  std::uint64_t device_invalidations = 0;  ///< copies of lines that device writes dropped from cores
  std::uint64_t core_invalidations = 0;    ///< copies of lines that a core's writes dropped from other cores
  Bytes dram_read = 0;
  Bytes dram_written = 0;
  bool operator==(const HierarchyCounts&) const = default;
};

class CacheHierarchy {
 public:
  /// 1 to 64 cores; the config must have passed check().
  CacheHierarchy(const CacheConfig& config, unsigned cores);

  CoreOutcome access(unsigned core, const LineSpan& span, fabric::AccessKind kind);
  DeviceOutcome device_read(const LineSpan& span);
  DeviceOutcome device_write(const LineSpan& span);

  /// Empties all caches without a trace in DRAM or the counters: cold caches at the start of a measurement.
  void clear();
  /// Drops the lines of a span everywhere, as above.
  void drop(const LineSpan& span);
  /// What a core's caches and the LLC hold of a page, for tests and diagnosis.
  [[nodiscard]] Held in_l1(unsigned core, Frame frame) const { return m_cores.at(core).l1.peek(frame); }
  [[nodiscard]] Held in_l2(unsigned core, Frame frame) const { return m_cores.at(core).l2.peek(frame); }
  [[nodiscard]] Held in_llc(Frame frame) const { return m_llc.peek(frame); }

  [[nodiscard]] const HierarchyCounts& counts() const { return m_counts; }
  [[nodiscard]] LevelCounts l1_counts() const;  ///< of all cores together
  [[nodiscard]] LevelCounts l2_counts() const;  ///< of all cores together
  [[nodiscard]] const LevelCounts& llc_counts() const { return m_llc.counts(); }

 private:
  struct Core {
    CacheLevel l1;
    CacheLevel l2;
  };
  LineMask take_dirty_from_others(unsigned core, const LineSpan& span, fabric::AccessKind kind);
  Held drop_from_cores(CoreSet who, Frame frame, LineMask lines, std::uint64_t& dropped);
  void fill_l1(Core& core, Frame frame, LineMask lines, bool dirty, Bytes& dram_written);
  void fill_l2(Core& core, Frame frame, LineMask lines, bool dirty, Bytes& dram_written);
  void fill_llc(Frame frame, LineMask lines, bool dirty, Bytes& dram_written);
  void write_back_to_l2(Core& core, const DirtyVictims& victims, Bytes& dram_written);
  void write_back_to_llc(Frame frame, LineMask lines, Bytes& dram_written);

  CacheConfig m_config;
  std::vector<Core> m_cores;
  CacheLevel m_llc;
  PresenceMap m_presence;
  HierarchyCounts m_counts;
};

}  // namespace sluice::cache
