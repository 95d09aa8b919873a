// SPDX-License-Identifier: Apache-2.0
#include "models/cache/recency_list.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <algorithm>
#include <bit>

namespace sluice::cache {
namespace {

constexpr unsigned kScanWidth = 16;

/// Bit k: frames[k] is the wanted one. `frames` is 64-byte aligned.
unsigned matches(const std::uint32_t* frames, std::uint32_t wanted) {
#if defined(__SSE2__)
  const __m128i key = _mm_set1_epi32(static_cast<int>(wanted));
  const auto* from = reinterpret_cast<const __m128i*>(frames);
  const __m128i a = _mm_cmpeq_epi32(_mm_load_si128(from), key);
  const __m128i b = _mm_cmpeq_epi32(_mm_load_si128(from + 1), key);
  const __m128i c = _mm_cmpeq_epi32(_mm_load_si128(from + 2), key);
  const __m128i d = _mm_cmpeq_epi32(_mm_load_si128(from + 3), key);
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(_mm_packs_epi32(a, b), _mm_packs_epi32(c, d))));
#else
  unsigned bits = 0;
  for (unsigned k = 0; k < kScanWidth; ++k) bits |= static_cast<unsigned>(frames[k] == wanted) << k;
  return bits;
#endif
}

}  // namespace

/// Visits the slots that hold lines of the frame; a visit that returns true ends the scan.
template <class Visit>
void RecencyList::for_each_slot_of(Frame frame, Visit&& visit) const {
  static_assert(kSlots % kScanWidth == 0 && kRelaxed % kScanWidth == 0);
  for (unsigned block = m_begin / kScanWidth * kScanWidth; block < m_end; block += kScanWidth) {
    for (unsigned found = matches(&m_frames[block], frame.number()); found != 0; found &= found - 1) {
      if (visit(block + static_cast<unsigned>(std::countr_zero(found)))) return;
    }
  }
}

Held RecencyList::peek(Frame frame) const {
  Held held;
  for_each_slot_of(frame, [&](unsigned slot) {
    held.valid |= m_lines[slot].valid;
    held.dirty |= m_lines[slot].dirty;
    return false;
  });
  return held;
}

LineMask RecencyList::mark_dirty(Frame frame, LineMask lines) {
  LineMask found = 0;
  for_each_slot_of(frame, [&](unsigned slot) {
    const LineMask here = m_lines[slot].valid & lines;
    m_lines[slot].dirty |= here;
    found |= here;
    return found == lines;
  });
  return found;
}

LineMask RecencyList::clean(Frame frame, LineMask lines) {
  LineMask found = 0;
  for_each_slot_of(frame, [&](unsigned slot) {
    found |= m_lines[slot].dirty & lines;
    m_lines[slot].dirty &= ~lines;
    return false;
  });
  return found;
}

LineMask RecencyList::use(Frame frame, LineMask lines, bool dirty) {
  const LineMask make_dirty = dirty ? lines : 0;
  if (m_end > m_begin && m_frames[m_end - 1] == frame.number()) {  // the newest entry already
    Lines& newest = m_lines[m_end - 1];
    if ((lines & ~newest.valid) == 0) {
      newest.dirty |= make_dirty;
      return lines;
    }
  }
  Lines taken = take(frame, lines);
  if (taken.valid == 0) return 0;
  taken.dirty |= taken.valid & make_dirty;
  push(frame, taken);
  return taken.valid;
}

Held RecencyList::remove(Frame frame, LineMask lines) {
  const Lines taken = take(frame, lines);
  if (taken.valid != 0) {
    m_occupied.subtract(taken.valid);
    m_by_device.subtract(taken.device);
  }
  return {taken.valid, taken.dirty};
}

unsigned RecencyList::fill(Frame frame, LineMask lines, bool dirty, GroupLimits limits, DirtyVictims& victims) {
  const LineMask full = m_occupied.equal_to(limits.ways) & lines;
  const unsigned evicted = evict(full, victims);
  m_occupied.add(lines & ~full);  // in a full set one line goes and one comes
  push(frame, {lines, dirty ? lines : 0, 0});
  return evicted;
}

unsigned RecencyList::fill_by_device(Frame frame, LineMask lines, GroupLimits limits, DirtyVictims& victims) {
  const LineMask at_limit = m_by_device.equal_to(limits.device_ways) & lines;
  unsigned evicted = evict_device_lines(at_limit, victims);
  const LineMask full = m_occupied.equal_to(limits.ways) & lines & ~at_limit;
  evicted += evict(full, victims);
  m_occupied.add(lines & ~at_limit & ~full);
  m_by_device.add(lines & ~at_limit);
  push(frame, {lines, lines, lines});
  return evicted;
}

void RecencyList::append(const Entry& entry) {
  m_occupied.add(entry.valid);
  m_by_device.add(entry.device);
  push(entry.frame, {entry.valid, entry.dirty, entry.device});
}

/// Takes the lines out of their entries.
RecencyList::Lines RecencyList::take(Frame frame, LineMask lines) {
  Lines taken{};
  for_each_slot_of(frame, [&](unsigned slot) {
    Lines& here = m_lines[slot];
    taken.valid |= here.valid & lines;
    taken.dirty |= here.dirty & lines;
    taken.device |= here.device & lines;
    here.valid &= ~lines;
    here.dirty &= ~lines;
    here.device &= ~lines;
    if (here.valid == 0) drop_slot(slot);
    return taken.valid == lines;
  });
  return taken;
}

void RecencyList::push(Frame frame, const Lines& lines) {
  if (m_end > m_begin && m_frames[m_end - 1] == frame.number()) {  // a neighbour in the same page, used just before
    Lines& newest = m_lines[m_end - 1];
    newest.valid |= lines.valid;
    newest.dirty |= lines.dirty;
    newest.device |= lines.device;
    return;
  }
  m_frames[m_end] = frame.number();
  m_lines[m_end] = lines;
  ++m_end;
}

void RecencyList::drop_slot(unsigned slot) {
  m_frames[slot] = kNoFrame;
  while (m_begin < m_end && m_frames[m_begin] == kNoFrame) ++m_begin;
  while (m_end > m_begin && m_frames[m_end - 1] == kNoFrame) --m_end;
  if (m_begin == m_end) m_begin = m_end = 0;
}

/// Removes the oldest line of each given set. Returns how many lines.
unsigned RecencyList::evict(LineMask columns, DirtyVictims& victims) {
  const unsigned evicted = count_lines(columns);
  for (unsigned slot = m_begin; columns != 0; ++slot) {
    Lines& here = m_lines[slot];
    const LineMask gone = here.valid & columns;
    if (gone == 0) continue;
    columns &= ~gone;
    victims.add(Frame{m_frames[slot]}, here.dirty & gone);
    m_by_device.subtract(here.device & gone);
    here.valid &= ~gone;
    here.dirty &= ~gone;
    here.device &= ~gone;
    if (here.valid == 0) drop_slot(slot);
  }
  return evicted;
}

/// As evict, but the oldest line that a device allocated. The caller puts another one in its place, so neither count
/// changes.
unsigned RecencyList::evict_device_lines(LineMask columns, DirtyVictims& victims) {
  const unsigned evicted = count_lines(columns);
  for (unsigned slot = m_begin; columns != 0; ++slot) {
    Lines& here = m_lines[slot];
    const LineMask gone = here.device & columns;
    if (gone == 0) continue;
    columns &= ~gone;
    victims.add(Frame{m_frames[slot]}, here.dirty & gone);
    here.valid &= ~gone;
    here.dirty &= ~gone;
    here.device &= ~gone;
    if (here.valid == 0) drop_slot(slot);
  }
  return evicted;
}

/// Closes the gaps. False when there is no room all the same.
bool RecencyList::compact() {
  unsigned to = 0;
  for (unsigned from = m_begin; from < m_end; ++from) {
    if (m_frames[from] == kNoFrame) continue;
    m_frames[to] = m_frames[from];
    m_lines[to] = m_lines[from];
    ++to;
  }
  std::fill(m_frames.begin() + to, m_frames.begin() + m_end, kNoFrame);
  m_begin = 0;
  m_end = to;
  // Twice what is in use: compacting stays rare, and an unfragmented group stays small in the host's cache.
  m_compact_at = std::clamp(2 * to, kRelaxed, kSlots);
  return m_end < m_compact_at;
}

}  // namespace sluice::cache
