// SPDX-License-Identifier: Apache-2.0
// A file as mappings see it: faults are served from the page cache (mm/filemap.c, filemap_fault). One per open file,
// for read-ahead state belongs to the open file.
#pragma once

#include "kernel_sim/fs/inode.h"

namespace sluice::fs {

class FileMapping final : public mm::MappedObject {
 public:
  /// `writable`: the file was opened for writing.
  FileMapping(Services& services, Inode& inode, std::shared_ptr<ReadAheadState> read_ahead, bool writable);
  ~FileMapping() override;

  [[nodiscard]] std::uint64_t page_count() const override { return m_inode.size_in_pages(); }
  Result<mm::Folio> fault_page(const Fault& fault, bool& major) override;
  std::optional<mm::Folio> cached_folio(std::uint64_t index) override;
  bool resident(std::uint64_t index) override;
  void mapped_around(std::uint64_t pages) override;
  Result<void> page_dirtied(std::uint64_t index) override { return m_inode.page_dirtied(index); }
  Result<void> punch_hole(std::uint64_t first_index, std::uint64_t pages) override;
  void will_need(std::uint64_t first_index, std::uint64_t pages) override { m_inode.read_exactly(first_index, pages); }

 private:
  Result<void> wait_for_folio(std::uint64_t index);
  void page_missing(const Fault& fault);

  Services& m_services;
  Inode& m_inode;
  InodeUse m_use{m_inode};
  std::shared_ptr<ReadAheadState> m_read_ahead;
  bool m_writable;
};

}  // namespace sluice::fs
