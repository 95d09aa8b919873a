// SPDX-License-Identifier: Apache-2.0
// The mounted file system: one directory of regular files.
//
//   FileSystem fs{machine, ledger, frames, scheduler, queue, config};
//   fs.mount();                       // in the context of a task: reads the metadata from the disk
//   auto file = fs.open("/data", O_RDONLY, 0);
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kernel_sim/fs/file.h"
#include "kernel_sim/fs/fs_services.h"
#include "kernel_sim/fs/inode.h"

namespace sluice::fs {

class FileSystem {
 public:
  FileSystem(hal::Machine& machine, base::Ledger& ledger, mm::FrameAllocator& frames, sched::Scheduler& scheduler,
             block::RequestQueue& queue, const FsConfig& config, std::size_t disk = 0);
  /// Open files and mappings must be gone. Takes no time; unwritten data is lost.
  ~FileSystem();
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;

  /// EIO when the disk cannot be read, EINVAL when it holds no file system. Registers as a reclaimer of the allocator.
  Result<void> mount();
  /// A background task that writes dirty pages back when there are many. Optional.
  void start_flusher();

  /// Linux's open. `flags` are O_*; directories can be opened for reading only.
  Result<std::shared_ptr<File>> open(std::string_view path, int flags, int mode);
  /// Takes the name from a file, and the file away when nobody uses it any more. EISDIR.
  Result<void> unlink(std::string_view path);
  /// A node that names a socket, and its number. EEXIST, ENOSPC.
  Result<std::uint32_t> make_socket(std::string_view path, int mode);
  /// The number of such a node. ECONNREFUSED for another kind of file.
  Result<std::uint32_t> find_socket(std::string_view path) const;
  /// Gives back the inodes and blocks of files without a name that nobody uses any more.
  void remove_orphans();
  /// Brings a file, or its first `size` bytes, into the page cache in zero time through the back door. ENOMEM when it
  /// does not fit.
  Result<void> preload(std::string_view path, const std::function<void(PhysAddr page)>& loaded = {},
                       Bytes size = std::numeric_limits<Bytes>::max());
  /// fsync of one file, and of all.
  Result<void> sync(Inode& inode);
  Result<void> sync();

  /// Its number, the machine's disks counted from 0.
  [[nodiscard]] std::size_t disk() const { return m_services.disk; }
  [[nodiscard]] const FsStatistics& statistics() const { return m_services.statistics; }
  [[nodiscard]] std::uint64_t cached_pages() const;
  [[nodiscard]] std::uint64_t dirty_pages() const { return m_services.dirty_pages; }

 private:
  using Block = std::vector<std::byte>;
  Result<void> read_blocks(std::uint64_t first, std::uint64_t count, std::vector<std::byte>& into);
  Result<void> write_block(std::uint64_t block, std::span<const std::byte> bytes);
  Result<void> read_inode_table();
  Result<void> read_directory();
  Result<std::vector<format::Extent>> extents_of(const format::InodeRecord& inode);
  Result<std::uint32_t> find(std::string_view path, std::string& name) const;
  /// `mode` with the kind of file.
  Result<std::uint32_t> create(const std::string& name, std::uint32_t mode);
  Result<std::uint32_t> free_inode();
  void take_inode(std::uint32_t number, std::uint32_t mode);
  void give_back_inode(std::uint32_t number);
  Result<std::shared_ptr<File>> open_unnamed(std::string_view path, int flags, int mode);
  Inode* inode_from(std::uint32_t number);
  void release_reservations();
  void remove_entry(const std::string& name);
  Result<void> add_entry(const std::string& name, std::uint32_t inode);
  Inode& inode_of(std::uint32_t number);
  Result<void> write_inode(Inode& inode);
  Result<void> write_directory();
  std::uint64_t reclaim(std::uint64_t wanted);
  std::uint64_t reclaim_round(std::uint64_t wanted);

  Services m_services;
  format::SuperBlock m_super;
  std::vector<format::InodeRecord> m_table;  // the inode table as on the disk
  // The lowest free inode is the lowest that was given back, or else the first free one from m_inodes_in_use on.
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> m_inodes_given_back;
  std::uint32_t m_inodes_in_use = format::kRootInode + 1;  // all below this number, but for those given back
  std::vector<std::vector<format::Extent>> m_overflow;     // extents that a mounted inode starts with
  std::unordered_map<std::string, std::uint32_t> m_names;  // looked up only, never walked
  std::vector<std::byte> m_directory;                      // the directory's blocks
  Bytes m_directory_end = 0;                               // where the next entry goes
  std::set<std::uint64_t> m_dirty_directory_blocks;
  std::map<std::uint32_t, std::unique_ptr<Inode>> m_inodes;  // that were used since the mount
  std::uint32_t m_reclaim_inode = 0;                         // the clock's hand
  std::uint64_t m_reclaim_page = 0;
};

}  // namespace sluice::fs
