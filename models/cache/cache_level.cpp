// SPDX-License-Identifier: Apache-2.0
#include "models/cache/cache_level.h"

#include <limits>

#include "models/base/result.h"

namespace sluice::cache {
namespace {
constexpr unsigned kRetryAfter = 1024;  // operations; trying costs about as much as 50 of them
}

CacheLevel::CacheLevel(LevelGeometry geometry, unsigned device_ways)
    : m_limits{geometry.ways, device_ways},
      m_group_count(static_cast<std::uint32_t>(geometry.sets() / kLinesPerPage)),
      m_reciprocal(std::numeric_limits<std::uint64_t>::max() / m_group_count + 1),
      m_groups(m_group_count) {
  base::ensure(geometry.sets() % kLinesPerPage == 0 && m_group_count > 0, "the geometry was checked");
}

/// frame mod groups without a division (Lemire, Kaser, Kurz: Faster Remainder by Direct Computation, 2019); exact for
/// 32-bit operands. One group: the reciprocal wraps to 0, and so does the remainder.
CacheLevel::Group& CacheLevel::group_of(Frame frame) {
  const std::uint64_t fraction = m_reciprocal * frame.number();
  return m_groups[static_cast<std::size_t>((static_cast<WideUnsigned>(fraction) * m_group_count) >> 64)];
}
const CacheLevel::Group& CacheLevel::group_of(Frame frame) const {
  return const_cast<CacheLevel*>(this)->group_of(frame);
}

/// Before an operation that may add an entry: changes the form of the group when it is time.
void CacheLevel::prepare(Group& group) {
  if (group.table == nullptr) [[likely]] {
    if (group.list.make_room()) [[likely]]
      return;
    group.table = std::make_unique<LineTable>(group.list, m_limits);
    group.until_retry = kRetryAfter;
    ++m_fragmented;
    return;
  }
  if (--group.until_retry != 0) return;
  group.until_retry = kRetryAfter;
  if (auto list = group.table->as_list()) {
    group.list = *list;
    group.table.reset();
    --m_fragmented;
  }
}

Held CacheLevel::peek(Frame frame) const {
  const Group& group = group_of(frame);
  return group.table ? group.table->peek(frame) : group.list.peek(frame);
}

LineMask CacheLevel::use(Frame frame, LineMask lines, bool dirty) {
  Group& group = group_of(frame);
  prepare(group);
  const LineMask found = group.table ? group.table->use(frame, lines, dirty) : group.list.use(frame, lines, dirty);
  m_counts.hits += count_lines(found);
  m_counts.misses += count_lines(lines & ~found);
  return found;
}

void CacheLevel::fill(Frame frame, LineMask lines, bool dirty, DirtyVictims& victims) {
  Group& group = group_of(frame);
  prepare(group);
  const unsigned dirty_before = victims.lines();
  const unsigned evicted = group.table ? group.table->fill(frame, lines, dirty, m_limits, victims)
                                       : group.list.fill(frame, lines, dirty, m_limits, victims);
  count_evictions(evicted, victims.lines() - dirty_before);
}

void CacheLevel::fill_by_device(Frame frame, LineMask lines, DirtyVictims& victims) {
  Group& group = group_of(frame);
  prepare(group);
  const unsigned dirty_before = victims.lines();
  const unsigned evicted = group.table ? group.table->fill_by_device(frame, lines, m_limits, victims)
                                       : group.list.fill_by_device(frame, lines, m_limits, victims);
  count_evictions(evicted, victims.lines() - dirty_before);
}

void CacheLevel::count_evictions(unsigned evicted, unsigned dirty) {
  m_counts.evictions += evicted;
  m_counts.writebacks += dirty;
}

LineMask CacheLevel::mark_dirty(Frame frame, LineMask lines) {
  Group& group = group_of(frame);
  return group.table ? group.table->mark_dirty(frame, lines) : group.list.mark_dirty(frame, lines);
}

LineMask CacheLevel::clean(Frame frame, LineMask lines) {
  Group& group = group_of(frame);
  return group.table ? group.table->clean(frame, lines) : group.list.clean(frame, lines);
}

Held CacheLevel::remove(Frame frame, LineMask lines) {
  Group& group = group_of(frame);
  return group.table ? group.table->remove(frame, lines) : group.list.remove(frame, lines);
}

void CacheLevel::clear() {
  for (Group& group : m_groups) group = Group{};
  m_fragmented = 0;
}

}  // namespace sluice::cache
