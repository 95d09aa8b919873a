// SPDX-License-Identifier: Apache-2.0
// An open regular file.
#pragma once

#include <array>
#include <memory>

#include "kernel_sim/fs/file.h"
#include "kernel_sim/fs/inode.h"

namespace sluice::fs {

class FileSystem;
class FileMapping;

class RegularFile final : public File {
 public:
  RegularFile(FileSystem& file_system, Services& services, Inode& inode, int flags);
  ~RegularFile() override;

  Result<Bytes> read(mm::UserMemory& memory, VirtAddr to, Bytes size, std::uint64_t* offset) override;
  Result<Bytes> write(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t* offset) override;
  Result<Bytes> splice_read(SpliceSink& sink, Bytes size, std::uint64_t* offset, unsigned splice_flags) override;
  Result<Bytes> splice_write(SpliceSource& source, Bytes size, std::uint64_t* offset, unsigned splice_flags) override;
  Result<std::uint64_t> seek(std::int64_t offset, int whence) override;
  Result<kernel_sim::FileStatus> status() override;
  /// From the position to the end; beyond it less than nothing, as Linux tells it.
  Result<std::uint64_t> waiting_bytes() override { return m_inode.size() - m_position; }
  Result<void> truncate(std::uint64_t size) override;
  Result<void> sync() override;
  Result<void> advise(std::uint64_t offset, std::uint64_t size, int advice) override;
  std::shared_ptr<mm::MappedObject> mapped_object() override;
  void close() override;
  [[nodiscard]] int changeable_flags() const override;
  [[nodiscard]] std::uint64_t mappable_end() const override;
  [[nodiscard]] std::uint64_t largest_size() const override;
  [[nodiscard]] bool same_file(const File& other) const override;
  [[nodiscard]] bool seekable() const override { return true; }

  [[nodiscard]] Inode& inode() { return m_inode; }

 private:
  static constexpr unsigned kBatch = 31;  // PAGEVEC_SIZE
  /// Consecutive folios whose wanted pages are up to date, one reference on each for the holder.
  struct Batch {
    std::array<mm::Folio, kBatch> folios;
    unsigned count = 0;
    [[nodiscard]] std::uint64_t end() const { return folios[count - 1].end(); }
  };
  Result<void> get_folios(std::uint64_t index, std::uint64_t end, Batch& batch);
  void collect(std::uint64_t index, std::uint64_t end, Batch& batch);
  Result<void> wait_ready(std::uint64_t first, std::uint64_t end);
  void put_folios(const Batch& batch);
  Bytes splice_folio(SpliceSink& sink, const mm::Folio& folio, std::uint64_t position, Bytes size);
  Result<Bytes> buffered_read(mm::UserMemory& memory, VirtAddr to, Bytes size, std::uint64_t& position);
  Result<Bytes> locked_write(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t& position);
  Result<Bytes> locked_splice_write(SpliceSource& source, Bytes size, std::uint64_t& position);
  Result<Bytes> on_disk_if_asked(const Result<Bytes>& written);
  Result<Bytes> write_from_user(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t& position);
  Result<Bytes> buffered_write(WriteSource& source, Bytes size, std::uint64_t& position);
  // O_DIRECT (direct_io.cpp)
  Result<Bytes> direct_read(mm::UserMemory& memory, VirtAddr to, Bytes size, std::uint64_t& position);
  Result<Bytes> direct_write(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t& position);
  Result<void> drop_cached(std::uint64_t first, std::uint64_t end);
  Result<Bytes> write_through(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t& position);
  Result<void> transfer(block::Direction direction, std::span<const mm::Fragment> memory, std::uint64_t position);
  [[nodiscard]] bool direct() const;

  FileSystem& m_file_system;
  Services& m_services;
  Inode& m_inode;
  std::optional<InodeUse> m_use{m_inode};  // until it is closed
  std::uint64_t m_position = 0;
  std::shared_ptr<ReadAheadState> m_read_ahead;  // shared with the mappings of this file
  std::weak_ptr<FileMapping> m_mapping;
};

/// The root directory, opened.
class DirectoryFile final : public File {
 public:
  DirectoryFile(int flags, Bytes size) : File(flags), m_size(size) {}
  Result<Bytes> read(mm::UserMemory&, VirtAddr, Bytes, std::uint64_t*) override { return refuse(EISDIR); }
  Result<kernel_sim::FileStatus> status() override;
  Result<void> sync() override { return {}; }
  Result<std::uint64_t> seek(std::int64_t offset, int whence) override;
  [[nodiscard]] bool seekable() const override { return true; }

 private:
  Bytes m_size;
  std::uint64_t m_position = 0;
};

}  // namespace sluice::fs
