// SPDX-License-Identifier: Apache-2.0
#include "models/base/named_bytes.h"

#include <utility>

#include "models/base/ledger_frames.h"

namespace sluice::base {

void Contents::add(std::uint32_t file, std::shared_ptr<const Content> content) {
  if (file >= m_contents.size()) m_contents.resize(file + 1);
  m_contents[file] = std::move(content);
}

NamedBytes NamedBytes::slice(Bytes begin, Bytes size) const {
  NamedBytes part{{}, contents};
  append_slice(part.pieces, 0, pieces, begin, size);
  return part;
}

bool append_without_gap(Shadow& run, Bytes at, std::span<const ShadowPiece> pieces, Bytes begin, Bytes size) {
  const std::size_t pieces_before = run.size();
  const Bytes last_size = run.empty() ? 0 : run.back().size;
  Bytes reached = begin;
  for (const ShadowPiece& piece : pieces) {
    ShadowPiece part = clipped(piece, begin, begin + size);
    if (part.size == 0) continue;
    if (part.at != reached) break;
    reached += part.size;
    part.at = part.at - begin + at;
    append_piece(run, part);
  }
  if (reached == begin + size) return true;
  run.resize(pieces_before);
  if (!run.empty()) run.back().size = last_size;
  return false;
}

}  // namespace sluice::base
