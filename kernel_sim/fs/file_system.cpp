// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/fs/file_system.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>

#include <sys/stat.h>

#include "kernel_sim/fs/regular_file.h"

namespace sluice::fs {

using namespace format;

namespace {
/// The kernel's O_LARGEFILE, which every file opened on a 64-bit machine has and F_GETFL shows; <fcntl.h> says 0.
constexpr int kLargeFile = 0100000;
/// The bit of O_TMPFILE that is its own.
constexpr int kUnnamed = O_TMPFILE & ~O_DIRECTORY;
constexpr int kFileSync = O_SYNC & ~O_DSYNC;

std::uint32_t regular(int mode) { return S_IFREG | (static_cast<std::uint32_t>(mode) & 0777U); }

/// What F_GETFL shows of open's flags: creation flags do their work once, and what no kernel knows is dropped.
int kept_flags(int flags) {
  constexpr int kKept = O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_ASYNC | O_DIRECT | O_DIRECTORY | O_NOFOLLOW |
                        O_NOATIME | O_PATH | kUnnamed;
  if ((flags & kFileSync) != 0) flags |= O_DSYNC;
  return (flags & kKept) | ((flags & O_PATH) != 0 ? 0 : kLargeFile);
}
}  // namespace

FileSystem::FileSystem(hal::Machine& machine, base::Ledger& ledger, mm::FrameAllocator& frames,
                       sched::Scheduler& scheduler, block::RequestQueue& queue, const FsConfig& config,
                       std::size_t disk)
    : m_services{machine, ledger, frames, scheduler, queue, config,
                 disk,    {},     {},     0,         {},    [this] { release_reservations(); },
                 {}} {}

FileSystem::~FileSystem() { m_services.frames.remove_reclaimer(this); }

// --- open -----------------------------------------------------------------------------------------------------------

Result<std::shared_ptr<File>> FileSystem::open(std::string_view path, int flags, int mode) {
  m_services.charge(m_services.config.open);
  if ((flags & O_PATH) != 0) flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  if ((flags & O_CREAT) != 0 && (flags & O_DIRECTORY) != 0) return refuse(EINVAL);
  if ((flags & kUnnamed) != 0) return open_unnamed(path, flags, mode);
  const bool write = (flags & O_ACCMODE) != O_RDONLY;
  std::string name;
  auto found = find(path, name);
  if (!found) {
    if (found.error().value != ENOENT || (flags & O_CREAT) == 0 || name.empty()) return refuse(found.error().value);
    found = create(name, regular(mode));
    if (!found) return refuse(found.error().value);
  } else if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
    return refuse(EEXIST);
  }
  if (*found == kRootInode) {
    if (write || (flags & (O_CREAT | O_TRUNC)) != 0) return refuse(EISDIR);
    if ((flags & O_DIRECT) != 0) return refuse(EINVAL);
    return std::make_shared<DirectoryFile>(kept_flags(flags), m_directory.size());
  }
  if ((flags & O_DIRECTORY) != 0) return refuse(ENOTDIR);
  if (S_ISSOCK(m_table[*found].mode) && (flags & O_PATH) == 0) return refuse(ENXIO);
  Inode& inode = inode_of(*found);
  if ((flags & O_TRUNC) != 0 && inode.size() > 0) {
    const InodeLock lock{inode};
    if (const auto done = inode.truncate(0); !done) return refuse(done.error().value);
  }
  return std::make_shared<RegularFile>(*this, m_services, inode, kept_flags(flags));
}

/// O_TMPFILE.
Result<std::shared_ptr<File>> FileSystem::open_unnamed(std::string_view path, int flags, int mode) {
  if ((flags & O_TMPFILE) != O_TMPFILE || (flags & O_ACCMODE) == O_RDONLY) return refuse(EINVAL);
  std::string name;
  const auto folder = find(path, name);
  if (!folder) return refuse(folder.error().value);
  if (*folder != kRootInode) return refuse(ENOTDIR);
  remove_orphans();
  const auto number = free_inode();
  if (!number) return refuse(number.error().value);
  m_services.charge(m_services.config.create);
  take_inode(*number, regular(mode));
  Inode& inode = inode_of(*number);
  inode.set_unnamed();
  return std::make_shared<RegularFile>(*this, m_services, inode, kept_flags(flags));
}

void FileSystem::remove_orphans() {
  while (!m_services.orphans.empty()) {
    const std::uint32_t number = m_services.orphans.back();
    m_services.orphans.pop_back();
    const auto found = m_inodes.find(number);
    Inode& inode = *found->second;
    if (inode.used()) continue;  // somebody works on it, and makes it an orphan again
    inode.add_use();             // so that nobody else removes it meanwhile
    inode.lock().lock();
    const auto emptied = inode.truncate(0);
    inode.lock().unlock();
    if (!emptied) continue;  // a page that cannot be read: it stays until the end
    if (inode.overflow_block != 0) m_services.space.give({inode.overflow_block, 1});
    m_inodes.erase(found);
    give_back_inode(number);
  }
}

Result<void> FileSystem::preload(std::string_view path, const std::function<void(PhysAddr)>& loaded, Bytes size) {
  std::string name;
  const auto found = find(path, name);
  if (!found) return refuse(found.error().value);
  if (*found == kRootInode) return refuse(EISDIR);
  return inode_of(*found).preload(loaded, size);
}

Inode& FileSystem::inode_of(std::uint32_t number) {
  auto& inode = m_inodes[number];
  if (!inode) inode = std::make_unique<Inode>(m_services, number, m_table[number], std::move(m_overflow[number]));
  return *inode;
}

/// The lowest one, which is free until it is taken.
Result<std::uint32_t> FileSystem::free_inode() {
  if (!m_inodes_given_back.empty()) return m_inodes_given_back.top();
  while (m_inodes_in_use < m_table.size() && m_table[m_inodes_in_use].mode != 0) ++m_inodes_in_use;
  if (m_inodes_in_use == m_table.size()) return refuse(ENOSPC);
  return m_inodes_in_use;
}

void FileSystem::take_inode(std::uint32_t number, std::uint32_t mode) {
  if (!m_inodes_given_back.empty() && m_inodes_given_back.top() == number) m_inodes_given_back.pop();
  m_table[number] = {};
  m_table[number].mode = mode;
}

void FileSystem::give_back_inode(std::uint32_t number) {
  m_table[number] = {};
  m_overflow[number].clear();
  if (number < m_inodes_in_use) m_inodes_given_back.push(number);
}

/// The first inode in memory from this number on; null when there is none. Inodes go when they are orphans, so that
/// whoever walks them while time passes does it by number.
Inode* FileSystem::inode_from(std::uint32_t number) {
  const auto found = m_inodes.lower_bound(number);
  return found == m_inodes.end() ? nullptr : found->second.get();
}

void FileSystem::release_reservations() {
  for (const auto& [number, inode] : m_inodes) inode->release_reservation();
}

// --- sync -----------------------------------------------------------------------------------------------------------

Result<void> FileSystem::sync(Inode& inode) {
  int error = 0;
  inode.start_write_back(0, inode.cache().end_index());
  if (const auto done = inode.wait_for_write_back(0, inode.cache().end_index()); !done) error = done.error().value;
  if (const auto done = write_inode(inode); !done) error = done.error().value;
  if (const auto done = write_directory(); !done) error = done.error().value;
  IoBatch batch{m_services};
  block::Plug plug{m_services.queue};
  plug.add(batch.make_bio(block::Direction::Flush, 0));
  plug.flush();
  if (const auto done = batch.wait(); !done) error = done.error().value;
  if (error != 0) return refuse(error);
  return {};
}

Result<void> FileSystem::sync() {
  Result<void> result;
  for (std::uint32_t number = 0; Inode* inode = inode_from(number); ++number) {
    const InodeUse use{*inode};
    number = inode->number();
    if (const auto done = sync(*inode); !done) result = done;
  }
  return result;
}

Result<void> FileSystem::write_inode(Inode& inode) {
  const std::uint32_t number = inode.number();
  const auto extents = inode.extents().extents();
  format::InodeRecord& record = m_table[number];
  if (!inode.metadata_dirty() && record.mode == inode.mode() && record.size == inode.size()) return {};
  inode.metadata_written();
  record.size = inode.size();
  record.extent_count = static_cast<std::uint32_t>(extents.size());
  const std::size_t inline_count = std::min<std::size_t>(extents.size(), kInlineExtents);
  std::copy_n(extents.begin(), inline_count, record.extents);
  if (extents.size() > kInlineExtents) {
    if (inode.overflow_block == 0) {
      const auto taken = m_services.space.take(0, 1);
      if (!taken) return refuse(ENOSPC);
      inode.overflow_block = taken->first;
    }
    std::vector<std::byte> bytes(kBlockSize);
    std::memcpy(bytes.data(), extents.data() + kInlineExtents, (extents.size() - kInlineExtents) * sizeof(Extent));
    if (const auto done = write_block(inode.overflow_block, bytes); !done) return done;
  }
  record.overflow_block = inode.overflow_block;
  const std::uint64_t block = number / kInodesPerBlock;
  return write_block(m_super.inode_table + block,
                     std::as_bytes(std::span{m_table}.subspan(block * kInodesPerBlock, kInodesPerBlock)));
}

Result<void> FileSystem::write_directory() {
  const auto dirty = std::exchange(m_dirty_directory_blocks, {});
  if (dirty.empty()) return {};
  for (const auto block : dirty) {
    const auto bytes = std::span{m_directory}.subspan(block * kBlockSize, kBlockSize);
    if (const auto done = write_block(m_table[kRootInode].extents[0].block + block, bytes); !done) return done;
  }
  const auto table = std::as_bytes(std::span{m_table}.first(kInodesPerBlock));  // the root directory's size
  return write_block(m_super.inode_table, table);
}

// --- metadata on the disk -------------------------------------------------------------------------------------------

Result<void> FileSystem::read_blocks(std::uint64_t first, std::uint64_t count, std::vector<std::byte>& into) {
  constexpr std::uint64_t kAtOnce = 256;
  into.resize(count * kBlockSize);
  for (std::uint64_t done = 0; done < count;) {
    const std::uint64_t now = std::min(kAtOnce, count - done);
    IoBatch batch{m_services};
    block::Plug plug{m_services.queue};
    auto bio = batch.make_bio(block::Direction::Read, (first + done) * (kBlockSize / block::kSectorSize));
    std::vector<Frame> frames;
    for (std::uint64_t i = 0; i < now; ++i) {
      const auto frame = m_services.frames.allocate(Place::KernelMemory);
      base::ensure(frame.has_value(), "a machine has memory for the metadata of its disk");
      frames.push_back(*frame);
      bio->add(frame->address(), kBlockSize);
    }
    plug.add(std::move(bio));
    plug.flush();
    const auto result = batch.wait();
    for (std::uint64_t i = 0; i < now; ++i) {
      m_services.machine.cpu.load(frames[i].address(), std::span{into}.subspan((done + i) * kBlockSize, kBlockSize));
      m_services.frames.put(frames[i]);
    }
    if (!result) return result;
    done += now;
  }
  return {};
}

Result<void> FileSystem::write_block(std::uint64_t block, std::span<const std::byte> bytes) {
  const auto frame = m_services.frames.allocate(Place::KernelMemory);
  if (!frame) return refuse(frame.error().value);
  m_services.machine.cpu.store(frame->address(), bytes);
  IoBatch batch{m_services};
  block::Plug plug{m_services.queue};
  auto bio = batch.make_bio(block::Direction::Write, block * (kBlockSize / block::kSectorSize));
  bio->add(frame->address(), kBlockSize);
  plug.add(std::move(bio));
  plug.flush();
  const auto result = batch.wait();
  m_services.frames.put(*frame);
  return result;
}

Result<void> FileSystem::mount() {
  m_services.queue.refresh_limits();
  const std::uint64_t disk_blocks = m_services.queue.limits().capacity / kBlockSize;
  if (disk_blocks == 0) return refuse(EIO);
  std::vector<std::byte> first;
  if (const auto read = read_blocks(0, 1, first); !read) return read;
  std::memcpy(&m_super, first.data(), sizeof m_super);
  if (m_super.magic != kMagic || m_super.version != kVersion || m_super.block_size != kBlockSize ||
      m_super.blocks > disk_blocks || m_super.inodes < kInodesPerBlock || m_super.first_data_block > m_super.blocks) {
    return refuse(EINVAL);
  }
  if (const auto read = read_inode_table(); !read) return read;
  if (const auto read = read_directory(); !read) return read;
  m_services.frames.add_reclaimer(this, [this](std::uint64_t wanted) { return reclaim(wanted); });
  return {};
}

Result<void> FileSystem::read_inode_table() {
  std::vector<std::byte> bytes;
  const auto read = read_blocks(m_super.inode_table, m_super.inodes / kInodesPerBlock, bytes);
  if (!read) return read;
  m_table.resize(m_super.inodes / kInodesPerBlock * kInodesPerBlock);
  std::memcpy(m_table.data(), bytes.data(), m_table.size() * sizeof(format::InodeRecord));
  m_overflow.resize(m_table.size());
  // What no inode claims is free.
  m_services.space.give({m_super.first_data_block, m_super.blocks - m_super.first_data_block});
  for (std::size_t i = 0; i < m_table.size(); ++i) {
    if (m_table[i].mode == 0) continue;
    auto extents = extents_of(m_table[i]);
    if (!extents) return refuse(extents.error().value);
    for (const auto& extent : *extents) m_services.space.mark_used({extent.block, extent.count});
    if (m_table[i].overflow_block != 0) m_services.space.mark_used({m_table[i].overflow_block, 1});
    m_overflow[i] = std::move(*extents);
  }
  return {};
}

Result<std::vector<Extent>> FileSystem::extents_of(const format::InodeRecord& inode) {
  const std::size_t inline_count = std::min<std::size_t>(inode.extent_count, kInlineExtents);
  std::vector<Extent> extents(inode.extents, inode.extents + inline_count);
  if (inode.extent_count > kInlineExtents) {
    const std::size_t more = std::min<std::size_t>(inode.extent_count - kInlineExtents, kOverflowExtents);
    std::vector<std::byte> bytes;
    if (const auto read = read_blocks(inode.overflow_block, 1, bytes); !read) return refuse(read.error().value);
    extents.resize(inline_count + more);
    std::memcpy(extents.data() + inline_count, bytes.data(), more * sizeof(Extent));
  }
  return extents;
}

Result<void> FileSystem::read_directory() {
  const auto& root = m_table[kRootInode];
  if ((root.mode & S_IFMT) != S_IFDIR || root.extent_count != 1) return refuse(EINVAL);
  if (root.size % kBlockSize != 0 || root.size / kBlockSize > root.extents[0].count) return refuse(EINVAL);
  const auto read = read_blocks(root.extents[0].block, root.size / kBlockSize, m_directory);
  if (!read) return read;
  for (Bytes block = 0; block < m_directory.size(); block += kBlockSize) {
    Bytes at = block;
    while (at + sizeof(DirectoryEntry) <= block + kBlockSize) {
      DirectoryEntry entry;
      std::memcpy(&entry, m_directory.data() + at, sizeof entry);
      if (entry.record_size == 0) break;
      if (at + entry.record_size > block + kBlockSize || entry.record_size < record_size_of(entry.name_size) ||
          entry.inode >= m_table.size()) {
        return refuse(EINVAL);
      }
      const auto* name = reinterpret_cast<const char*>(m_directory.data() + at + sizeof entry);
      if (entry.inode != kNoInode) m_names[std::string(name, entry.name_size)] = entry.inode;
      at += entry.record_size;
    }
    m_directory_end = at;
  }
  return {};
}

// --- memory pressure ------------------------------------------------------------------------------------------------

std::uint64_t FileSystem::cached_pages() const {
  std::uint64_t pages = 0;
  for (const auto& [number, inode] : m_inodes) pages += inode->cache().cached_pages();
  return pages;
}

std::uint64_t FileSystem::reclaim(std::uint64_t wanted) {
  std::uint64_t freed = reclaim_round(wanted);
  if (freed > 0 || m_services.dirty_pages == 0 || !m_services.scheduler.may_wait()) return freed;
  // Only dirty pages are left: they must reach the disk first.
  for (std::uint32_t number = 0; Inode* inode = inode_from(number); ++number) {
    const InodeUse use{*inode};
    number = inode->number();
    if (inode->cache().dirty_pages() == 0) continue;
    inode->start_write_back(0, inode->cache().end_index());
    for (std::uint64_t page = 0;
         (page = inode->cache().next_cached(page, inode->cache().end_index())) < inode->cache().end_index(); ++page) {
      if (inode->cache().find(page)->is(CachedPage::kWriteback))
        inode->cache().wait(m_services.scheduler, page, "write-back to free memory");
    }
    break;
  }
  return reclaim_round(wanted);
}

/// The clock: through the pages of one inode after the other, at most twice around, so that pages in use lose their
/// second chance.
std::uint64_t FileSystem::reclaim_round(std::uint64_t wanted) {
  std::uint64_t freed = 0;
  std::uint64_t looked = 0;
  for (std::size_t visited = 0; visited <= 2 * m_inodes.size() && freed < wanted && !m_inodes.empty(); ++visited) {
    auto inode = m_inodes.lower_bound(m_reclaim_inode);
    if (inode == m_inodes.end()) {
      m_reclaim_page = 0;
      inode = m_inodes.begin();
    }
    if (inode->first != m_reclaim_inode) m_reclaim_page = 0;
    m_reclaim_inode = inode->first;
    freed += inode->second->reclaim(wanted - freed, m_reclaim_page, looked);
    if (freed < wanted) {
      m_reclaim_inode = inode->first + 1;
      m_reclaim_page = 0;
    }
  }
  m_services.charge(m_services.config.page_reclaim, looked);
  return freed;
}

void FileSystem::start_flusher() {
  m_services.scheduler.spawn(
      "flusher",
      [this] {
        const auto many = [this] {
          return m_services.dirty_pages > m_services.config.dirty_background.of(m_services.frames.total_frames());
        };
        for (;;) {
          while (!many()) m_services.scheduler.wait(m_services.flusher, "many dirty pages");
          Inode* inode = nullptr;
          for (std::uint32_t number = 0; (inode = inode_from(number)) != nullptr && many(); ++number) {
            const InodeUse use{*inode};
            number = inode->number();
            inode->start_write_back(0, inode->cache().end_index());
            m_services.scheduler.cond_resched();
          }
        }
      },
      {}, true);
}

}  // namespace sluice::fs
