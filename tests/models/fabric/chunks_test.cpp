// SPDX-License-Identifier: Apache-2.0
#include "models/fabric/chunks.h"

#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::fabric {
namespace {

using Pieces = std::vector<std::pair<std::uint64_t, Bytes>>;

Pieces chunks_of(std::uint64_t address, Bytes size, Bytes boundary) {
  Pieces pieces;
  for_each_chunk(BusAddr{address}, size, boundary, [&](BusAddr at, Bytes n) { pieces.emplace_back(at.value(), n); });
  return pieces;
}

TEST(Chunks, AnEmptyRangeHasNone) { EXPECT_EQ(chunks_of(100, 0, 64), Pieces{}); }

TEST(Chunks, ARangeThatEndsAtABoundaryIsOnePiece) { EXPECT_EQ(chunks_of(4000, 96, 4096), (Pieces{{4000, 96}})); }

TEST(Chunks, OneByteBeyondABoundaryIsAPieceOfItsOwn) {
  EXPECT_EQ(chunks_of(4000, 97, 4096), (Pieces{{4000, 96}, {4096, 1}}));
}

TEST(Chunks, TheBoundaryNeedNotBeAPowerOfTwo) { EXPECT_EQ(chunks_of(5, 10, 6), (Pieces{{5, 1}, {6, 6}, {12, 3}})); }

TEST(Chunks, ByPages) {
  Pieces pieces;
  for_each_page_piece(PhysAddr{4095}, 4098, [&](PhysAddr at, Bytes n) { pieces.emplace_back(at.value(), n); });
  EXPECT_EQ(pieces, (Pieces{{4095, 1}, {4096, 4096}, {8192, 1}}));
}

}  // namespace
}  // namespace sluice::fabric
