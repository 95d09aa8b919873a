// SPDX-License-Identifier: Apache-2.0
#include "models/base/delivery.h"

#include <algorithm>
#include <iterator>

namespace sluice::base {

std::vector<RangeMap::Part> RangeMap::parts(std::uint64_t begin, std::uint64_t end) const {
  std::vector<Part> result;
  auto range = m_ranges.upper_bound(begin);
  if (range != m_ranges.begin() && std::prev(range)->second.end > begin) --range;
  while (begin < end) {
    if (range == m_ranges.end() || range->first >= end) {
      result.push_back({begin, end, 0});
      break;
    }
    if (range->first > begin) result.push_back({begin, range->first, 0});
    begin = std::max(begin, range->first);
    const std::uint64_t part_end = std::min(end, range->second.end);
    result.push_back({begin, part_end, range->second.value});
    begin = part_end;
    ++range;
  }
  return result;
}

void RangeMap::split(std::uint64_t at) {
  auto range = m_ranges.lower_bound(at);
  if (range == m_ranges.begin()) return;
  --range;
  if (range->second.end <= at) return;
  const Range tail = range->second;
  range->second.end = at;
  m_ranges.emplace_hint(std::next(range), at, tail);
}

void RangeMap::set(std::uint64_t begin, std::uint64_t end, std::uint32_t value) {
  split(begin);
  split(end);
  auto next = m_ranges.erase(m_ranges.lower_bound(begin), m_ranges.lower_bound(end));
  if (next != m_ranges.end() && next->first == end && next->second.value == value) {
    end = next->second.end;
    next = m_ranges.erase(next);
  }
  if (next != m_ranges.begin()) {
    const auto before = std::prev(next);
    if (before->second.end == begin && before->second.value == value) {
      before->second.end = end;
      return;
    }
  }
  m_ranges.emplace_hint(next, begin, Range{end, value});
}

void FileDelivery::known(std::uint64_t offset, Bytes size, std::uint32_t generation) {
  for (const RangeMap::Part& part : m_newest.parts(offset, offset + size)) {
    if (part.value < generation) m_newest.set(part.begin, part.end, generation);
  }
}

FileDelivery::Outcome FileDelivery::deliver(std::uint64_t offset, Bytes size, std::uint32_t generation,
                                            std::uint32_t times) {
  Outcome outcome;
  const std::uint64_t end = offset + size;
  for (const RangeMap::Part& part : m_delivered.parts(offset, end)) {
    const bool fresh = part.value < times;
    (fresh ? outcome.fresh : outcome.again) += part.end - part.begin;
    if (fresh) m_delivered.set(part.begin, part.end, part.value + 1);
  }
  if (!m_newest.empty()) {
    for (const RangeMap::Part& part : m_newest.parts(offset, end)) {
      if (part.value > generation) outcome.stale += part.end - part.begin;
    }
  }
  return outcome;
}

}  // namespace sluice::base
