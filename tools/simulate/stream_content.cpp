// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/stream_content.h"

#include <algorithm>
#include <utility>

namespace sluice::simulate {

StreamContent::StreamContent(std::vector<std::shared_ptr<const base::Content>> files) : m_files(std::move(files)) {
  Bytes end = 0;
  for (const auto& file : m_files) m_ends.push_back(end += file->size());
}

std::size_t StreamContent::file_at(Bytes offset) const {
  return static_cast<std::size_t>(std::upper_bound(m_ends.begin(), m_ends.end(), offset) - m_ends.begin());
}

/// Calls visit(file, offset in it, offset in the range, size); stops when it returns false.
template <class Visit>
void StreamContent::for_each_piece(Bytes offset, Bytes size, Visit&& visit) const {
  Bytes done = 0;
  for (std::size_t i = file_at(offset); done < size; ++i) {
    const Bytes begin = m_ends[i] - m_files[i]->size();
    const Bytes piece = std::min(size - done, m_ends[i] - (offset + done));
    if (piece > 0 && !visit(*m_files[i], offset + done - begin, done, piece)) return;
    done += piece;
  }
}

void StreamContent::read(Bytes offset, std::span<std::byte> to) const {
  for_each_piece(offset, to.size(), [&](const base::Content& file, Bytes at, Bytes done, Bytes piece) {
    file.read(at, to.subspan(done, piece));
    return true;
  });
}

bool StreamContent::equals(Bytes offset, std::span<const std::byte> bytes) const {
  bool equal = true;
  for_each_piece(offset, bytes.size(), [&](const base::Content& file, Bytes at, Bytes done, Bytes piece) {
    equal = file.equals(at, bytes.subspan(done, piece));
    return equal;
  });
  return equal;
}

bool StreamContent::is(Bytes offset, const base::NamedBytes& names) const {
  bool same = !names.empty();
  for (const base::ShadowPiece& piece : names.pieces) {
    if (!same || offset + piece.at + piece.size > size()) return false;
    for_each_piece(offset + piece.at, piece.size, [&](const base::Content& file, Bytes at, Bytes done, Bytes /*part*/) {
      same = &names.contents->of(piece.file) == &file && piece.offset + done == at;
      return same;
    });
  }
  return same;
}

}  // namespace sluice::simulate
