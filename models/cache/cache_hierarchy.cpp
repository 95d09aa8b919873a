// SPDX-License-Identifier: Apache-2.0
#include "models/cache/cache_hierarchy.h"

#include "models/base/result.h"

namespace sluice::cache {
namespace {

using fabric::AccessKind;
using fabric::HitLevel;

constexpr Bytes bytes_of(LineMask lines) { return Bytes{count_lines(lines)} * kLineSize; }
constexpr std::size_t index(HitLevel level) { return static_cast<std::size_t>(level); }

}  // namespace

CacheHierarchy::CacheHierarchy(const CacheConfig& config, unsigned cores)
    : m_config(config), m_llc(config.llc, config.ddio ? config.ddio_ways : 1) {
  base::ensure(cores >= 1 && cores <= kMostCores, "1 to 64 cores");
  m_cores.reserve(cores);
  for (unsigned core = 0; core < cores; ++core) m_cores.push_back({CacheLevel{config.l1}, CacheLevel{config.l2}});
}

CoreOutcome CacheHierarchy::access(unsigned core, const LineSpan& span, AccessKind kind) {
  Core& own = m_cores[core];
  const bool write = kind == AccessKind::Write;
  const Frame frame = span.frame;
  CoreOutcome outcome;

  // 1. Other cores: who writes owns the line alone, and who reads must not miss another core's newer data.
  const LineMask from_peer = take_dirty_from_others(core, span, kind);

  // 2. Look down the levels, each for what the one above does not have.
  const LineMask in_l1 = own.l1.use(frame, span.touched, write);
  const LineMask past_l1 = span.touched & ~in_l1;
  LineMask in_l2 = 0;
  LineMask in_llc = 0;
  LineMask nowhere = 0;
  if (past_l1 != 0) {
    in_l2 = own.l2.use(frame, past_l1, false);
    const LineMask past_l2 = past_l1 & ~in_l2;
    if (past_l2 != 0) {
      in_llc = m_llc.use(frame, past_l2, false);
      nowhere = past_l2 & ~in_llc & ~from_peer;

      // 3. Memory, for lines that are not overwritten from end to end.
      const bool skip_covered = write && m_config.no_fetch_full_line_writes;
      const LineMask unfetched = skip_covered ? nowhere & span.covered : 0;
      outcome.dram_read = bytes_of(nowhere & ~unfetched);
      m_counts.unfetched_lines += count_lines(unfetched);

      // 4. Fill every level on the way.
      fill_llc(frame, nowhere, false, outcome.dram_written);
      write_back_to_llc(frame, from_peer, outcome.dram_written);
      fill_l2(own, frame, past_l2, false, outcome.dram_written);
    }
    fill_l1(own, frame, past_l1, write, outcome.dram_written);
    m_presence.cores(frame) |= CoreSet{1} << core;
  }

  outcome.lines[index(HitLevel::L1)] = count_lines(in_l1);
  outcome.lines[index(HitLevel::L2)] = count_lines(in_l2);
  outcome.lines[index(HitLevel::Llc)] = count_lines(in_llc & ~from_peer);
  outcome.lines[index(HitLevel::Peer)] = count_lines(from_peer);
  outcome.lines[index(HitLevel::Memory)] = count_lines(nowhere);
  for (std::size_t level = 0; level < fabric::kHitLevels; ++level) m_counts.core_lines[level] += outcome.lines[level];
  m_counts.dram_read += outcome.dram_read;
  m_counts.dram_written += outcome.dram_written;
  return outcome;
}

/// Returns the touched lines that another core held dirty; that core keeps them clean (read) or not at all (write).
LineMask CacheHierarchy::take_dirty_from_others(unsigned core, const LineSpan& span, AccessKind kind) {
  CoreSet others = m_presence.cores(span.frame) & ~(CoreSet{1} << core);
  if (others == 0) return 0;
  if (kind == AccessKind::Write) {
    return drop_from_cores(others, span.frame, span.touched, m_counts.core_invalidations).dirty;
  }
  LineMask dirty = 0;
  for (; others != 0; others &= others - 1) {
    Core& other = m_cores[static_cast<std::size_t>(std::countr_zero(others))];
    dirty |= other.l1.clean(span.frame, span.touched) | other.l2.clean(span.frame, span.touched);
  }
  return dirty;
}

/// Returns what was held by any of them; adds the copies that went to `dropped`.
Held CacheHierarchy::drop_from_cores(CoreSet who, Frame frame, LineMask lines, std::uint64_t& dropped) {
  Held all;
  if (who == 0) return all;
  if (lines == kWholePage) m_presence.cores(frame) &= ~who;
  for (; who != 0; who &= who - 1) {
    Core& core = m_cores[static_cast<std::size_t>(std::countr_zero(who))];
    const Held l1 = core.l1.remove(frame, lines);
    const Held l2 = core.l2.remove(frame, lines);
    all.valid |= l1.valid | l2.valid;
    all.dirty |= l1.dirty | l2.dirty;
    dropped += count_lines(l1.valid | l2.valid);
  }
  return all;
}

void CacheHierarchy::fill_l1(Core& core, Frame frame, LineMask lines, bool dirty, Bytes& dram_written) {
  DirtyVictims victims;
  core.l1.fill(frame, lines, dirty, victims);
  write_back_to_l2(core, victims, dram_written);
}

void CacheHierarchy::fill_l2(Core& core, Frame frame, LineMask lines, bool dirty, Bytes& dram_written) {
  DirtyVictims victims;
  core.l2.fill(frame, lines, dirty, victims);
  for (const auto& victim : victims) write_back_to_llc(victim.frame, victim.lines, dram_written);
}

void CacheHierarchy::fill_llc(Frame frame, LineMask lines, bool dirty, Bytes& dram_written) {
  if (lines == 0) return;
  DirtyVictims victims;
  m_llc.fill(frame, lines, dirty, victims);
  dram_written += Bytes{victims.lines()} * kLineSize;
}

void CacheHierarchy::write_back_to_l2(Core& core, const DirtyVictims& victims, Bytes& dram_written) {
  for (const auto& victim : victims) {
    const LineMask absent = victim.lines & ~core.l2.mark_dirty(victim.frame, victim.lines);
    if (absent != 0) fill_l2(core, victim.frame, absent, true, dram_written);
  }
}

void CacheHierarchy::write_back_to_llc(Frame frame, LineMask lines, Bytes& dram_written) {
  if (lines == 0) return;
  const LineMask absent = lines & ~m_llc.mark_dirty(frame, lines);
  fill_llc(frame, absent, true, dram_written);
}

DeviceOutcome CacheHierarchy::device_read(const LineSpan& span) {
  LineMask cached = m_llc.peek(span.frame).valid;
  for (CoreSet cores = m_presence.cores(span.frame); cores != 0; cores &= cores - 1) {
    if ((span.touched & ~cached) == 0) break;
    const Core& core = m_cores[static_cast<std::size_t>(std::countr_zero(cores))];
    cached |= core.l1.peek(span.frame).valid | core.l2.peek(span.frame).valid;
  }
  const LineMask missing = span.touched & ~cached;
  DeviceOutcome outcome;
  outcome.hits = count_lines(span.touched & cached);
  outcome.misses = count_lines(missing);
  outcome.dram_read = bytes_of(missing);
  m_counts.device_read_hits += outcome.hits;
  m_counts.device_read_misses += outcome.misses;
  m_counts.dram_read += outcome.dram_read;
  return outcome;
}

DeviceOutcome CacheHierarchy::device_write(const LineSpan& span) {
  DeviceOutcome outcome;
  const Held in_cores =
      drop_from_cores(m_presence.cores(span.frame), span.frame, span.touched, m_counts.device_invalidations);

  if (m_config.ddio) {
    const LineMask updated = m_llc.use(span.frame, span.touched, true);
    const LineMask allocated = span.touched & ~updated;
    if (allocated != 0) {
      // The rest of a line that is written in part comes from a core that had it, else from memory.
      outcome.dram_read = bytes_of(allocated & ~span.covered & ~in_cores.valid);
      DirtyVictims victims;
      m_llc.fill_by_device(span.frame, allocated, victims);
      outcome.dram_written = Bytes{victims.lines()} * kLineSize;
    }
    outcome.hits = count_lines(updated);
    outcome.misses = count_lines(allocated);
    m_counts.device_write_hits += outcome.hits;
    m_counts.ddio_allocations += outcome.misses;
  } else {
    // Older dirty data of a line written in part is merged on the way: one write of the line either way.
    m_llc.remove(span.frame, span.touched);
    outcome.misses = count_lines(span.touched);
    outcome.dram_written = bytes_of(span.touched);
  }
  m_counts.dram_read += outcome.dram_read;
  m_counts.dram_written += outcome.dram_written;
  return outcome;
}

void CacheHierarchy::clear() {
  for (Core& core : m_cores) {
    core.l1.clear();
    core.l2.clear();
  }
  m_llc.clear();
  m_presence.clear();
}

void CacheHierarchy::drop(const LineSpan& span) {
  std::uint64_t uncounted = 0;
  drop_from_cores(m_presence.cores(span.frame), span.frame, span.touched, uncounted);
  m_llc.remove(span.frame, span.touched);
}

LevelCounts CacheHierarchy::l1_counts() const {
  LevelCounts sum;
  for (const Core& core : m_cores) sum += core.l1.counts();
  return sum;
}

LevelCounts CacheHierarchy::l2_counts() const {
  LevelCounts sum;
  for (const Core& core : m_cores) sum += core.l2.counts();
  return sum;
}

}  // namespace sluice::cache
