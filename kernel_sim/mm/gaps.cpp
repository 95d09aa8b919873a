// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/mm/gaps.h"

#include <algorithm>

namespace sluice::mm {

void Gaps::add(std::uint64_t first, std::uint64_t end) {
  if (first >= end) return;
  m_ends[first] = end;
  m_by_size[end - first].insert(first);
}

void Gaps::remove(std::map<std::uint64_t, std::uint64_t>::iterator gap) {
  const auto same_size = m_by_size.find(gap->second - gap->first);
  same_size->second.erase(gap->first);
  if (same_size->second.empty()) m_by_size.erase(same_size);
  m_ends.erase(gap);
}

void Gaps::occupy(std::uint64_t first, std::uint64_t end) {
  first = std::max(first, m_first);
  end = std::min(end, m_end);
  auto gap = m_ends.upper_bound(first);
  if (gap != m_ends.begin()) --gap;
  while (gap != m_ends.end() && gap->first < end) {
    const auto [gap_first, gap_end] = *gap;
    const auto next = std::next(gap);
    if (gap_end > first && first < end) {
      remove(gap);
      add(gap_first, std::max(gap_first, first));
      add(std::min(gap_end, end), gap_end);
    }
    gap = next;
  }
}

void Gaps::release(std::uint64_t first, std::uint64_t end) {
  first = std::max(first, m_first);
  end = std::min(end, m_end);
  if (first >= end) return;
  auto after = m_ends.lower_bound(first);
  if (after != m_ends.begin()) {
    const auto before = std::prev(after);
    if (before->second == first) {
      first = before->first;
      remove(before);
    }
  }
  after = m_ends.find(end);
  if (after != m_ends.end()) {
    end = after->second;
    remove(after);
  }
  add(first, end);
}

/// Programs map few sizes, so that gaps have few sizes.
std::optional<std::uint64_t> Gaps::highest(std::uint64_t pages) const {
  std::optional<std::uint64_t> end;
  for (auto size = m_by_size.lower_bound(pages); size != m_by_size.end(); ++size) {
    const std::uint64_t this_end = *size->second.rbegin() + size->first;
    if (!end || this_end > *end) end = this_end;
  }
  if (!end) return {};
  return *end - pages;
}

std::optional<std::uint64_t> Gaps::lowest(std::uint64_t pages, std::uint64_t from, std::uint64_t to) const {
  auto gap = m_ends.upper_bound(from);
  if (gap != m_ends.begin()) --gap;
  for (; gap != m_ends.end() && gap->first < to; ++gap) {
    const std::uint64_t first = std::max(gap->first, from);
    if (first < gap->second && std::min(gap->second, to) - first >= pages) return first;
  }
  return {};
}

}  // namespace sluice::mm
