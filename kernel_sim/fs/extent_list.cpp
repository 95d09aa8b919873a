// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/fs/extent_list.h"

#include <algorithm>

namespace sluice::fs {

std::size_t ExtentList::first_after(std::uint64_t page) const {
  const auto found = std::upper_bound(m_extents.begin(), m_extents.end(), page,
                                      [](std::uint64_t p, const format::Extent& e) { return p < e.page; });
  return static_cast<std::size_t>(found - m_extents.begin());
}

ExtentList::Piece ExtentList::find(std::uint64_t page) const {
  const std::size_t next = first_after(page);
  if (next > 0) {
    const auto& extent = m_extents[next - 1];
    const std::uint64_t into = page - extent.page;
    if (into < extent.count) return {extent.block + into, extent.count - into};
  }
  return {kHole, next < m_extents.size() ? m_extents[next].page - page : ~std::uint64_t{0} - page};
}

bool ExtentList::add(std::uint64_t page, std::uint64_t block) {
  const std::size_t next = first_after(page);
  if (next > 0) {
    auto& before = m_extents[next - 1];
    if (std::uint64_t{before.page} + before.count == page && before.block + before.count == block) {
      ++before.count;
      return true;
    }
  }
  if (next < m_extents.size() && m_extents[next].page == page + 1 && m_extents[next].block == block + 1) {
    m_extents[next] = {m_extents[next].page - 1, m_extents[next].count + 1, block};
    return true;
  }
  if (m_extents.size() >= kMost) return false;
  m_extents.insert(m_extents.begin() + static_cast<std::ptrdiff_t>(next), {static_cast<std::uint32_t>(page), 1, block});
  return true;
}

std::optional<std::vector<BlockRange>> ExtentList::punch(std::uint64_t first, std::uint64_t end) {
  std::vector<BlockRange> freed;
  std::vector<format::Extent> left;
  for (const auto& extent : m_extents) {
    const std::uint64_t extent_end = std::uint64_t{extent.page} + extent.count;
    const std::uint64_t from = std::clamp<std::uint64_t>(first, extent.page, extent_end);
    const std::uint64_t to = std::clamp<std::uint64_t>(end, from, extent_end);
    const auto part = [&](std::uint64_t begin, std::uint64_t stop) {
      if (begin < stop)
        left.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(stop - begin),
                        extent.block + (begin - extent.page)});
    };
    part(extent.page, from);
    part(to, extent_end);
    if (from < to) freed.push_back({extent.block + (from - extent.page), to - from});
  }
  if (left.size() > kMost) return {};
  m_extents = std::move(left);
  return freed;
}

std::vector<BlockRange> ExtentList::truncate(std::uint64_t first) {
  std::vector<BlockRange> freed;
  while (!m_extents.empty() && std::uint64_t{m_extents.back().page} + m_extents.back().count > first) {
    auto& last = m_extents.back();
    const auto keep = static_cast<std::uint32_t>(first > last.page ? first - last.page : 0);
    freed.push_back({last.block + keep, last.count - keep});
    last.count = keep;
    if (keep == 0) m_extents.pop_back();
  }
  return freed;
}

std::uint64_t ExtentList::goal_for(std::uint64_t page) const {
  const std::size_t next = first_after(page);
  if (next == 0) return 0;
  const auto& before = m_extents[next - 1];
  return before.block + before.count;
}

}  // namespace sluice::fs
