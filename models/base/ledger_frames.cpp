// SPDX-License-Identifier: Apache-2.0
#include "models/base/ledger_frames.h"

namespace sluice::base {

void LedgerFrames::add_block(std::size_t block) {
  if (block >= m_blocks.size()) m_blocks.resize(block + 1);
  m_blocks[block] = std::make_unique<Block>();
}

std::span<const ShadowPiece> LedgerFrames::pieces(const FrameRecord& record, ShadowPiece& room) const {
  if (record.many) return m_pool[record.offset];
  if (record.size == 0) return {};
  room = record.piece();
  return {&room, 1};
}

void LedgerFrames::clear(FrameRecord& record) {
  if (record.many) {
    m_pool[record.offset].clear();
    m_pool_free.push_back(static_cast<std::uint32_t>(record.offset));
    record.many = false;
  }
  record.size = 0;
}

void LedgerFrames::replace(FrameRecord& record, Bytes begin, Bytes size, std::span<const ShadowPiece> pieces) {
  const Bytes end = begin + size;
  record.freed_with_payload = false;
  if (!record.many && pieces.size() <= 1) {
    const bool covers_all = record.size == 0 || (begin <= record.at && end >= Bytes{record.at} + record.size);
    if (covers_all) {
      if (pieces.empty()) {
        record.size = 0;
      } else {
        record.set_piece(pieces.front());
      }
      return;
    }
    const ShadowPiece held = record.piece();
    if (held.at + held.size <= begin && pieces.size() == 1 && continues(held, pieces.front())) {
      record.size = static_cast<std::uint16_t>(held.size + pieces.front().size);  // a page filled bit by bit
      return;
    }
  }
  replace_slowly(record, begin, end, pieces);
}

void LedgerFrames::replace_slowly(FrameRecord& record, Bytes begin, Bytes end, std::span<const ShadowPiece> pieces) {
  ShadowPiece room;
  const std::span<const ShadowPiece> held = this->pieces(record, room);
  m_scratch.clear();
  for (const ShadowPiece& piece : held) {
    if (const ShadowPiece before = clipped(piece, 0, begin); before.size > 0) append_piece(m_scratch, before);
  }
  for (const ShadowPiece& piece : pieces) append_piece(m_scratch, piece);
  for (const ShadowPiece& piece : held) {
    if (const ShadowPiece after = clipped(piece, end, kPageSize); after.size > 0) append_piece(m_scratch, after);
  }
  store(record, m_scratch);
}

void LedgerFrames::store(FrameRecord& record, const Shadow& pieces) {
  if (pieces.size() <= 1) {
    clear(record);
    if (pieces.size() == 1) record.set_piece(pieces.front());
    return;
  }
  if (!record.many) {
    if (m_pool_free.empty()) {
      m_pool_free.push_back(static_cast<std::uint32_t>(m_pool.size()));
      m_pool.emplace_back();
    }
    record.offset = m_pool_free.back();
    m_pool_free.pop_back();
    record.many = true;
    record.size = 0;
  }
  m_pool[record.offset] = pieces;
}

}  // namespace sluice::base
