// SPDX-License-Identifier: Apache-2.0
// Where the pages of one file lie on the disk.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernel_sim/fs/fs_format.h"
#include "kernel_sim/fs/space_map.h"

namespace sluice::fs {

class ExtentList {
 public:
  static constexpr std::size_t kMost = format::kInlineExtents + format::kOverflowExtents;
  static constexpr std::uint64_t kHole = ~std::uint64_t{0};

  /// `pages` pages from the asked one on lie in blocks from `block` on, or are a hole.
  struct Piece {
    std::uint64_t block;
    std::uint64_t pages;
    [[nodiscard]] bool hole() const { return block == kHole; }
  };

  ExtentList() = default;
  explicit ExtentList(std::vector<format::Extent> sorted) : m_extents(std::move(sorted)) {}

  [[nodiscard]] Piece find(std::uint64_t page) const;
  /// Maps a page of a hole. False when the list is full.
  bool add(std::uint64_t page, std::uint64_t block);
  /// Drops pages [first, end) and returns their blocks. Nothing when the list is full and a hole would make it longer.
  std::optional<std::vector<BlockRange>> punch(std::uint64_t first, std::uint64_t end);
  /// Drops pages from `first` on and returns their blocks.
  std::vector<BlockRange> truncate(std::uint64_t first);
  /// The block after the one of the last mapped page before `page`: a good place for it; 0 when there is none.
  [[nodiscard]] std::uint64_t goal_for(std::uint64_t page) const;
  [[nodiscard]] std::span<const format::Extent> extents() const { return m_extents; }

 private:
  [[nodiscard]] std::size_t first_after(std::uint64_t page) const;
  std::vector<format::Extent> m_extents;  // by page, disjoint
};

}  // namespace sluice::fs
