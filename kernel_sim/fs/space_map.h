// SPDX-License-Identifier: Apache-2.0
// Free blocks of the disk as disjoint ranges.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace sluice::fs {

struct BlockRange {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};

class SpaceMap {
 public:
  /// Ranges must not overlap what is free already.
  void give(BlockRange range);
  /// Marks blocks as used; parts that are used already are ignored.
  void mark_used(BlockRange range);
  /// Up to `wanted` blocks in one range: at `goal` if that is free, else the first range that is large enough, else the
  /// largest. Nothing when no block is free.
  std::optional<BlockRange> take(std::uint64_t goal, std::uint64_t wanted);
  /// How many blocks are free, or `enough` where there are more.
  [[nodiscard]] std::uint64_t free_blocks(std::uint64_t enough) const;

 private:
  std::map<std::uint64_t, std::uint64_t> m_ranges;  // first block -> count
};

}  // namespace sluice::fs
