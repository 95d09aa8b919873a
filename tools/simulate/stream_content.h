// SPDX-License-Identifier: Apache-2.0
// The contents of several files one after the other: what the receivers of a run ought to get.
#pragma once

#include <memory>
#include <vector>

#include "models/base/content.h"
#include "models/base/named_bytes.h"

namespace sluice::simulate {

class StreamContent : public base::Content {
 public:
  explicit StreamContent(std::vector<std::shared_ptr<const base::Content>> files);

  [[nodiscard]] Bytes size() const override { return m_ends.empty() ? 0 : m_ends.back(); }
  void read(Bytes offset, std::span<std::byte> to) const override;
  [[nodiscard]] bool equals(Bytes offset, std::span<const std::byte> bytes) const override;

  /// Whether the bytes from `offset` on have these names. False without names.
  [[nodiscard]] bool is(Bytes offset, const base::NamedBytes& names) const;

  /// Stream offset of the first byte after file `index`.
  [[nodiscard]] Bytes end_of(std::size_t index) const { return m_ends[index]; }
  [[nodiscard]] Bytes size_of(std::size_t index) const { return m_files[index]->size(); }
  [[nodiscard]] std::size_t file_count() const { return m_files.size(); }
  /// Index of the file that contains stream offset `offset` (less than size()).
  [[nodiscard]] std::size_t file_at(Bytes offset) const;

 private:
  template <class Visit>
  void for_each_piece(Bytes offset, Bytes size, Visit&& visit) const;
  std::vector<std::shared_ptr<const base::Content>> m_files;
  std::vector<Bytes> m_ends;
};

}  // namespace sluice::simulate
