// SPDX-License-Identifier: Apache-2.0
// Bytes by name: which extents of which files they are. Payload goes from the disk to the peer by name as long as
// nobody looks at it, as Linux passes a page by its address; whoever looks makes the bytes, and finds what would have
// been copied. A name is as good as the bytes, for contents never change.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "models/base/content.h"
#include "models/base/ledger.h"

namespace sluice::base {

/// The contents that bytes are named after, by file number.
class Contents {
 public:
  void add(std::uint32_t file, std::shared_ptr<const Content> content);
  [[nodiscard]] const Content& of(std::uint32_t file) const { return *m_contents[file]; }
  /// Puts the bytes of `piece` where `to` begins.
  void make(const ShadowPiece& piece, std::byte* to) const { of(piece.file).read(piece.offset, {to, piece.size}); }

 private:
  std::vector<std::shared_ptr<const Content>> m_contents;
};

/// A run of bytes by name. The pieces follow each other without a gap from the start of the run; none: the run is not
/// known by name. Their generation is 0.
/// This is what memory holds, and no claim of the ledger's: both are carried along, each by itself, and are checked
/// against each other where payload is delivered.
struct NamedBytes {
  Shadow pieces;
  const Contents* contents = nullptr;  ///< outlives the machine

  [[nodiscard]] bool empty() const { return pieces.empty(); }
  void clear() { pieces.clear(); }
  [[nodiscard]] NamedBytes slice(Bytes begin, Bytes size) const;
};

/// Adds to `run` what `pieces` have within [begin, begin + size), at `at`. False when there is a gap; `run` is then as
/// it was.
bool append_without_gap(Shadow& run, Bytes at, std::span<const ShadowPiece> pieces, Bytes begin, Bytes size);

}  // namespace sluice::base
