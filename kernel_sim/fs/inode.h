// SPDX-License-Identifier: Apache-2.0
// A file in memory: size, extents, page cache. Does everything between the page cache and the disk, and what several
// open files must agree on. Offsets and sizes are in bytes; pages are named by index.
//
// Time passes in almost every call, and with it other tasks and interrupts. A page that is used across such a point is
// held by a reference on its frame (it may leave the cache meanwhile) or by its lock (it may not).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernel_sim/fs/extent_list.h"
#include "kernel_sim/fs/fs_services.h"
#include "kernel_sim/fs/page_cache.h"
#include "kernel_sim/fs/read_ahead.h"
#include "kernel_sim/mm/address_space.h"

namespace sluice::fs {

inline constexpr std::uint64_t kSectorsPerPage = kPageSize / block::kSectorSize;

/// Where written bytes come from: a program's memory, or fragments of a pipe.
class WriteSource {
 public:
  virtual ~WriteSource() = default;
  /// How many of the next bytes can be copied without a fault (fault_in_readable).
  virtual Bytes prepare(Bytes size) = 0;
  /// Copies the next bytes; returns how many.
  virtual Bytes copy_to(PhysAddr to, Bytes size) = 0;
};

class Inode {
 public:
  Inode(Services& services, std::uint32_t number, const format::InodeRecord& on_disk,
        std::vector<format::Extent> extents);
  ~Inode();
  Inode(const Inode&) = delete;
  Inode& operator=(const Inode&) = delete;

  [[nodiscard]] std::uint32_t number() const { return m_number; }
  [[nodiscard]] std::uint32_t mode() const { return m_mode; }
  [[nodiscard]] std::uint64_t size() const { return m_size; }
  [[nodiscard]] std::uint64_t size_in_pages() const { return divide_up(m_size, kPageSize); }
  [[nodiscard]] const ExtentList& extents() const { return m_extents; }
  [[nodiscard]] PageCache& cache() { return m_cache; }
  /// Held by whoever changes size or extents (i_rwsem). Reads do not take it.
  [[nodiscard]] sched::Mutex& lock() { return m_lock; }
  /// Size or extents differ from the inode on the disk.
  [[nodiscard]] bool metadata_dirty() const { return m_metadata_dirty; }
  void metadata_written() { m_metadata_dirty = false; }
  /// For the inode table.
  std::uint64_t overflow_block = 0;

  // --- reading (inode_read.cpp) --------------------------------------------------------------------------------
  /// Brings those pages of the window that are missing on their way from the disk, within the file.
  void start_window(const ReadAheadWindow& window);
  /// The same for pages [first, first + count), one by one and without a marker.
  void start_reading(std::uint64_t first, std::uint64_t count);
  /// A page is missing in the cache; `request` pages are wanted (page_cache_sync_ra).
  void read_ahead_missing(ReadAheadState& state, std::uint64_t index, std::uint64_t request);
  /// The cached page belongs to a folio with the marker (page_cache_async_ra).
  void read_ahead_marked(ReadAheadState& state, std::uint64_t index, std::uint64_t request);
  /// A mapping misses the page: a window with it in the middle (do_sync_mmap_readahead).
  void read_around(ReadAheadState& state, std::uint64_t index);
  /// force_page_cache_ra: exactly these pages.
  void read_exactly(std::uint64_t index, std::uint64_t count);
  /// Waits until the page is up to date. EIO when it cannot be read; EAGAIN when it is not in the cache any more.
  Result<void> wait_uptodate(std::uint64_t index);
  /// Brings the whole file into the cache without time, in folios as if it had been read from its beginning, or written
  /// (preload_written). `loaded` may be empty. Only the first `size` bytes, as far as the read-ahead allows. ENOMEM:
  /// not all of them.
  Result<void> preload(const std::function<void(PhysAddr page)>& loaded, Bytes size);

  // --- writing (inode_write.cpp); the caller holds lock() --------------------------------------------------------
  Result<Bytes> write(WriteSource& source, Bytes size, std::uint64_t position);
  Result<void> truncate(std::uint64_t size);
  /// Pages [first, end) become a hole (FALLOC_FL_PUNCH_HOLE); the size stays.
  Result<void> punch_hole(std::uint64_t first, std::uint64_t end);
  /// Maps pages [first, first + count) to blocks. ENOSPC.
  Result<void> allocate_blocks(std::uint64_t first, std::uint64_t count);
  void grow_to(std::uint64_t size);
  /// What a mapping wrote beyond the end, within the last page, must not come to light when the file grows.
  void zero_beyond_end();
  /// Blocks taken ahead of use go back.
  void release_reservation();

  // --- write-back and dropping (inode_write_back.cpp) -----------------------------------------------------------
  void mark_dirty(std::uint64_t index);
  /// A mapping is about to write to the page (page_mkwrite).
  Result<void> page_dirtied(std::uint64_t index);
  /// Starts writing dirty pages of [first, end) and, in wait_for_write_back, waits for those on their way.
  void start_write_back(std::uint64_t first, std::uint64_t end);
  Result<void> wait_for_write_back(std::uint64_t first, std::uint64_t end);
  /// [first, end), extended to whole folios of the cache on both sides.
  void extend_to_folios(std::uint64_t& first, std::uint64_t& end);
  /// Takes folios with pages in [first, end) out of the cache, waiting for locked ones. Dirty contents are lost.
  void drop_folios(std::uint64_t first, std::uint64_t end);
  /// Takes folios that lie in [first, end), are clean and that nobody else holds out of the cache (fadvise); never
  /// waits.
  void drop_clean_folios(std::uint64_t first, std::uint64_t end);
  /// Clock over the folios from `hand` on: frees about `wanted` clean pages that only the cache holds, whole folios.
  /// Advances `hand`; past the last page it is end_index(). Adds to `looked` how many folios it looked at.
  std::uint64_t reclaim(std::uint64_t wanted, std::uint64_t& hand, std::uint64_t& looked);
  /// Unmaps the pages everywhere.
  void unmap(std::uint64_t first, std::uint64_t pages, bool private_copies);

  // --- use by open files, mappings and whoever works on all files ------------------------------------------------
  void add_use() { ++m_uses; }
  /// The last one of an inode without a name makes it an orphan.
  void drop_use();
  [[nodiscard]] bool used() const { return m_uses > 0; }
  /// O_TMPFILE: no directory knows it.
  void set_unnamed() { m_unnamed = true; }

  // --- where the data is ----------------------------------------------------------------------------------------
  /// lseek's SEEK_DATA and SEEK_HOLE: the first byte of data, or of a hole, from `offset` on. ENXIO beyond the end.
  [[nodiscard]] Result<std::uint64_t> find_data(std::uint64_t offset) const;
  [[nodiscard]] Result<std::uint64_t> find_hole(std::uint64_t offset) const;

  // --- mappings -------------------------------------------------------------------------------------------------
  void add_mapping(mm::MappedObject& mapping) {
    m_mappings.push_back(&mapping);
    m_was_mapped = true;
  }
  void remove_mapping(mm::MappedObject& mapping) { std::erase(m_mappings, &mapping); }

 private:
  class ReadBio;
  class WriteBio;
  /// Pages on their way into the cache: where frames come from, the state they begin with, and which they are.
  struct Filling {
    std::function<Result<Frame>(unsigned order)> take;
    unsigned flags;
    std::vector<std::uint64_t> pages;
    std::uint64_t folios;
  };
  /// Pages of one folio that a write goes to, with one reference for the writer.
  struct WriteTarget {
    std::uint64_t index;
    std::uint64_t pages;
    Frame frame;
    bool fresh;  ///< not up to date yet, and locked
  };
  [[nodiscard]] ReadAheadLimits read_ahead_limits() const;
  CachedPage& add_folio(std::uint64_t index, Frame frame, unsigned order, unsigned flags);
  void insert_window(const ReadAheadWindow& window, Filling& filling);
  std::uint64_t insert_folios(const ReadAheadWindow& window, Filling& filling);
  void insert_gaps(std::uint64_t first, std::uint64_t end, std::uint64_t lookahead, Filling& filling);
  bool insert_folio(std::uint64_t index, unsigned order, bool marker, Filling& filling);
  Result<void> preload_read(std::uint64_t index, std::uint64_t end, ReadAheadState& state, Filling& filling);
  Result<void> preload_write(Bytes position, Bytes end, Filling& filling);
  void load_page(std::uint64_t index);
  [[nodiscard]] std::uint64_t folios_in(std::uint64_t first, std::uint64_t count);
  void submit_reads(std::span<const std::uint64_t> pages);
  void finish_reading(std::uint64_t first, std::uint64_t count, bool success);
  void finish_writing(std::uint64_t first, std::uint64_t count, bool success);
  void unlock_page(std::uint64_t index);
  [[nodiscard]] unsigned write_order(std::uint64_t index, Bytes size) const;
  Result<WriteTarget> folio_to_write(std::uint64_t index, Bytes offset, Bytes size);
  Result<WriteTarget> cached_target(std::uint64_t index, Bytes size);
  Result<WriteTarget> new_target(std::uint64_t index, Bytes size);
  Result<void> prepare_fresh(const WriteTarget& target, Bytes offset, Bytes size);
  void abandon_write(const WriteTarget& target);
  void finish_write(const WriteTarget& target, std::uint64_t written);
  void cut_folio(std::uint64_t size);
  void mark_clean(std::uint64_t index);
  [[nodiscard]] bool busy(const mm::Folio& folio);
  void drop_folio(const mm::Folio& folio);
  [[nodiscard]] bool in_use(const mm::Folio& folio);
  Result<std::uint64_t> take_block(std::uint64_t page, std::uint64_t wanted);
  [[nodiscard]] std::uint64_t room_from(std::uint64_t page, std::uint64_t wanted) const;
  void balance_dirty_pages();

  Services& m_services;
  std::uint32_t m_number;
  std::uint32_t m_mode;
  std::uint64_t m_size;
  ExtentList m_extents;
  PageCache m_cache;
  sched::Mutex m_lock;
  BlockRange m_reservation;  // free blocks set aside for the next pages of this file
  bool m_metadata_dirty = false;
  bool m_was_mapped = false;  // a mapping may have written beyond the end, within the last page
  int m_write_error = 0;      // reported once by the next wait_for_write_back
  std::vector<mm::MappedObject*> m_mappings;
  unsigned m_uses = 0;
  bool m_unnamed = false;
};

/// Keeps an inode from becoming an orphan for its scope.
class InodeUse {
 public:
  explicit InodeUse(Inode& inode) : m_inode(inode) { m_inode.add_use(); }
  ~InodeUse() { m_inode.drop_use(); }
  InodeUse(const InodeUse&) = delete;
  InodeUse& operator=(const InodeUse&) = delete;

 private:
  Inode& m_inode;
};

/// Holds the inode's lock for its scope.
class InodeLock {
 public:
  explicit InodeLock(Inode& inode) : m_inode(inode) { m_inode.lock().lock(); }
  ~InodeLock() noexcept(false) { m_inode.lock().unlock(); }
  InodeLock(const InodeLock&) = delete;
  InodeLock& operator=(const InodeLock&) = delete;

 private:
  Inode& m_inode;
};

}  // namespace sluice::fs
