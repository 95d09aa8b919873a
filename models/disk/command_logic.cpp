// SPDX-License-Identifier: Apache-2.0
#include "models/disk/command_logic.h"

#include <utility>

namespace sluice::disk {

Status validate(const Command& command, const CommandLimits& limits) {
  if (command.opcode == static_cast<std::uint8_t>(Opcode::Flush)) return Status::Success;
  if (!moves_data(command)) return Status::InvalidOpcode;
  if (command.first_block > limits.blocks || command.block_count > limits.blocks - command.first_block) {
    return Status::OutOfRange;
  }
  if (command.block_count == 0 || size_of(command) > limits.max_transfer) return Status::InvalidSegments;
  if (command.segment_count == 0 || command.segment_count > limits.max_segments) return Status::InvalidSegments;
  if (command.segment_count > 1 && command.segment_list % sizeof(SgElement) != 0) return Status::InvalidSegments;
  return Status::Success;
}

Status validate_segments(std::span<const SgElement> segments, Bytes size) {
  Bytes sum = 0;
  for (const SgElement& segment : segments) {
    if (segment.size == 0 || segment.size % 4 != 0 || segment.address % 4 != 0) return Status::InvalidSegments;
    sum += segment.size;
  }
  return sum == size ? Status::Success : Status::InvalidSegments;
}

bool overlap(std::span<const SgElement> segments, std::span<const SgElement> others) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;  // [begin, end)
  ranges.reserve(segments.size() + others.size());
  for (const auto& list : {segments, others}) {
    for (const SgElement& one : list) ranges.emplace_back(one.address, one.address + one.size);
  }
  std::sort(ranges.begin(), ranges.end());
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) return true;
  }
  return false;
}

void SegmentList::assign(std::span<const SgElement> segments) {
  m_segments.assign(segments.begin(), segments.end());
  m_ends.clear();
  Bytes end = 0;
  for (const SgElement& segment : segments) m_ends.push_back(end += segment.size);
}

}  // namespace sluice::disk
