// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/fs/space_map.h"

#include <algorithm>

namespace sluice::fs {

void SpaceMap::give(BlockRange range) {
  if (range.count == 0) return;
  auto next = m_ranges.lower_bound(range.first);
  if (next != m_ranges.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == range.first) {
      range = {before->first, before->second + range.count};
      m_ranges.erase(before);
    }
  }
  if (next != m_ranges.end() && range.first + range.count == next->first) {
    range.count += next->second;
    m_ranges.erase(next);
  }
  m_ranges[range.first] = range.count;
}

void SpaceMap::mark_used(BlockRange range) {
  const std::uint64_t end = range.first + range.count;
  auto found = m_ranges.upper_bound(range.first);
  if (found != m_ranges.begin()) --found;
  while (found != m_ranges.end() && found->first < end) {
    const std::uint64_t first = found->first;
    const std::uint64_t stop = first + found->second;
    if (stop <= range.first) {
      ++found;
      continue;
    }
    found = m_ranges.erase(found);
    if (first < range.first) m_ranges[first] = range.first - first;
    if (stop > end) m_ranges[end] = stop - end;
  }
}

std::uint64_t SpaceMap::free_blocks(std::uint64_t enough) const {
  std::uint64_t free = 0;
  for (auto range = m_ranges.begin(); range != m_ranges.end() && free < enough; ++range) free += range->second;
  return std::min(free, enough);
}

std::optional<BlockRange> SpaceMap::take(std::uint64_t goal, std::uint64_t wanted) {
  if (m_ranges.empty() || wanted == 0) return {};
  auto chosen = m_ranges.upper_bound(goal);
  if (chosen != m_ranges.begin() && std::prev(chosen)->first + std::prev(chosen)->second > goal) {
    const auto range = std::prev(chosen);
    const BlockRange taken{goal, std::min(wanted, range->first + range->second - goal)};
    mark_used(taken);
    return taken;
  }
  chosen = std::find_if(m_ranges.begin(), m_ranges.end(), [&](const auto& r) { return r.second >= wanted; });
  if (chosen == m_ranges.end()) {
    chosen = std::max_element(m_ranges.begin(), m_ranges.end(),
                              [](const auto& a, const auto& b) { return a.second < b.second; });
  }
  const BlockRange taken{chosen->first, std::min(wanted, chosen->second)};
  mark_used(taken);
  return taken;
}

}  // namespace sluice::fs
