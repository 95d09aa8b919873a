// SPDX-License-Identifier: Apache-2.0
// The host resource behind the disk model: what the medium holds. Unwritten blocks read as zeroes. Files are placed by
// reference to their Content, so a 4 GiB synthetic file needs no storage; written blocks are kept in memory.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "models/base/content.h"
#include "models/base/ledger.h"
#include "models/base/named_bytes.h"
#include "models/base/types.h"

namespace sluice::disk {

/// Offsets and sizes are in bytes from the start of the medium. Ranges must lie inside `capacity`.
class DiskImage {
 public:
  /// Images of one machine share `contents`: its memory names bytes after one collection.
  explicit DiskImage(Bytes capacity, std::shared_ptr<base::Contents> contents = std::make_shared<base::Contents>());

  [[nodiscard]] Bytes capacity() const { return m_capacity; }
  /// Bytes [offset, offset + content.size()) hold the content and are payload of file number `file`.
  void place(Bytes offset, std::shared_ptr<const base::Content> content, std::uint32_t file);
  /// Bytes [offset, offset + size) hold the content's bytes from `from` on, and are likewise.
  void place(Bytes offset, std::shared_ptr<const base::Content> content, std::uint32_t file, Bytes from, Bytes size);
  void read(Bytes offset, std::span<std::byte> to) const;
  /// Sets `run` to the names of the bytes. False, and an empty run, where not all of it is placed, or some was written.
  bool named(Bytes offset, Bytes size, base::NamedBytes& run) const;
  /// What the bytes are, for the ledger.
  [[nodiscard]] base::Shadow shadow(Bytes offset, Bytes size) const;
  /// Overwrites; `shadow` says what the bytes are (empty: not payload).
  void write(Bytes offset, std::span<const std::byte> from, const base::Shadow& shadow);

 private:
  struct Extent {
    Bytes size;
    std::shared_ptr<const base::Content> content;
    std::uint32_t file;
    Bytes from;  ///< in the content
  };
  struct WrittenPage;
  void check(Bytes offset, Bytes size) const;
  template <class Visit>
  void for_each_extent(Bytes offset, Bytes size, Visit&& visit) const;
  template <class Visit>
  void for_each_written_page(Bytes offset, Bytes size, Visit&& visit) const;
  WrittenPage& page_to_write(Bytes number);

  Bytes m_capacity;
  std::shared_ptr<base::Contents> m_contents;
  std::map<Bytes, Extent> m_extents;                                  // by offset
  std::unordered_map<Bytes, std::shared_ptr<WrittenPage>> m_written;  // by page number
};

}  // namespace sluice::disk
