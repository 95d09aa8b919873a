// SPDX-License-Identifier: Apache-2.0
// What each physical frame is for and which payload it holds: a two-level array of small records. Nearly every frame
// holds one piece of payload, kept in the record itself; the rare frame with several keeps them in a pool.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "models/base/ledger.h"

namespace sluice::base {

/// 24 bytes, so that the records of 1 GiB of touched memory take 6 MiB.
struct FrameRecord {
  std::uint64_t offset = 0;  ///< of the piece within its file; with `many`, the index into the pool
  std::uint32_t file = 0;
  std::uint32_t generation = 0;
  std::uint16_t at = 0;
  std::uint16_t size = 0;  ///< 0: no payload
  Place place = Place::Free;
  bool many = false;
  bool freed_with_payload = false;  ///< became Free while it held payload, and was not written since

  [[nodiscard]] ShadowPiece piece() const { return {at, size, offset, file, generation}; }
  void set_piece(const ShadowPiece& p) {
    offset = p.offset;
    file = p.file;
    generation = p.generation;
    at = static_cast<std::uint16_t>(p.at);
    size = static_cast<std::uint16_t>(p.size);
  }
};
static_assert(sizeof(FrameRecord) == 24);

/// Records of all frames. Pieces are relative to the start of their frame.
class LedgerFrames {
 public:
  FrameRecord& at(Frame frame) {
    const std::size_t block = frame.number() / kFramesPerBlock;
    if (block >= m_blocks.size() || m_blocks[block] == nullptr) [[unlikely]]
      add_block(block);
    return (*m_blocks[block])[frame.number() % kFramesPerBlock];
  }
  /// Null when the frame was never mentioned.
  [[nodiscard]] const FrameRecord* find(Frame frame) const {
    const std::size_t block = frame.number() / kFramesPerBlock;
    if (block >= m_blocks.size() || m_blocks[block] == nullptr) return nullptr;
    return &(*m_blocks[block])[frame.number() % kFramesPerBlock];
  }

  /// The pieces of a frame, ascending; valid until the next change.
  [[nodiscard]] std::span<const ShadowPiece> pieces(const FrameRecord& record, ShadowPiece& room) const;
  /// Bytes [begin, begin + size) of the frame now hold `pieces` (relative to the frame, inside that range, ascending)
  /// and nothing else.
  void replace(FrameRecord& record, Bytes begin, Bytes size, std::span<const ShadowPiece> pieces);
  void clear(FrameRecord& record);

 private:
  static constexpr std::size_t kFramesPerBlock = 512;
  using Block = std::array<FrameRecord, kFramesPerBlock>;

  void add_block(std::size_t block);
  void replace_slowly(FrameRecord& record, Bytes begin, Bytes end, std::span<const ShadowPiece> pieces);
  void store(FrameRecord& record, const Shadow& pieces);

  std::vector<std::unique_ptr<Block>> m_blocks;
  std::vector<Shadow> m_pool;              // pieces of frames with `many`
  std::vector<std::uint32_t> m_pool_free;  // indices not in use
  Shadow m_scratch;
};

/// The part of `piece` within [begin, end); size 0 when there is none. Where it starts does not change.
inline ShadowPiece clipped(const ShadowPiece& piece, Bytes begin, Bytes end) {
  const Bytes first = std::max(piece.at, begin);
  const Bytes last = std::min(piece.at + piece.size, end);
  if (first >= last) return {};
  return {first, last - first, piece.offset + (first - piece.at), piece.file, piece.generation};
}
/// Whether `b` continues `a` in the run and in the file.
inline bool continues(const ShadowPiece& a, const ShadowPiece& b) {
  return a.at + a.size == b.at && a.offset + a.size == b.offset && a.file == b.file && a.generation == b.generation;
}
/// Appends, growing the last piece where `piece` continues it.
inline void append_piece(Shadow& to, const ShadowPiece& piece) {
  if (!to.empty() && continues(to.back(), piece)) {
    to.back().size += piece.size;
  } else {
    to.push_back(piece);
  }
}

}  // namespace sluice::base
