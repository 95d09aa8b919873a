// SPDX-License-Identifier: Apache-2.0
#include "models/nic/buffer.h"

#include <algorithm>

#include "models/base/ledger_frames.h"

namespace sluice::nic {

void Buffer::name(Bytes at, const base::NamedBytes& run) {
  named.contents = run.contents;
  for (base::ShadowPiece piece : run.pieces) {
    piece.at += at;
    base::append_piece(named.pieces, piece);
  }
}

base::NamedBytes Buffer::names_of(Bytes begin, Bytes part) const {
  base::NamedBytes run{{}, named.contents};
  base::append_without_gap(run.pieces, 0, named.pieces, begin, part);
  return run;
}

std::span<const std::byte> Buffer::span(Bytes begin, Bytes part) const {
  const auto wanted = [&](const base::ShadowPiece& piece) { return clipped(piece, begin, begin + part).size != 0; };
  if (std::any_of(named.pieces.begin(), named.pieces.end(), wanted)) {
    for (const base::ShadowPiece& piece : named.pieces) named.contents->make(piece, bytes.get() + piece.at);
    named.clear();
  }
  return {bytes.get() + begin, part};
}

}  // namespace sluice::nic
