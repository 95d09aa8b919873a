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
}  // namespace

FileSystem::FileSystem(hal::Machine& machine, base::Ledger& ledger, mm::FrameAllocator& frames,
                       sched::Scheduler& scheduler, block::RequestQueue& queue, const FsConfig& config,
                       std::size_t disk)
    : m_services{machine, ledger, frames, scheduler, queue, config, disk, {}, {}, 0, {}} {}

FileSystem::~FileSystem() { m_services.frames.remove_reclaimer(this); }

// --- open -----------------------------------------------------------------------------------------------------------

/// The root directory, or the inode of its entry `name`; ENOENT leaves in `name` what could be created.
Result<std::uint32_t> FileSystem::find(std::string_view path, std::string& name) const {
  if (path.empty()) return refuse(ENOENT);
  if (path.size() >= 4096) return refuse(ENAMETOOLONG);
  std::uint32_t at = kRootInode;
  bool missing = false;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto part = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
    if (part.empty()) continue;
    if (at != kRootInode) return refuse(ENOTDIR);
    if (part == "." || part == "..") continue;
    if (part.size() > kMaxNameSize) return refuse(ENAMETOOLONG);
    name = part;
    const auto found = m_names.find(name);
    missing = found == m_names.end();
    if (!missing) at = found->second;
    if (slash != std::string_view::npos && !missing) return refuse(ENOTDIR);
    if (slash != std::string_view::npos) {  // below a name that is not there, nothing can be created
      name.clear();
      return refuse(ENOENT);
    }
  }
  if (missing) return refuse(ENOENT);
  return at;
}

Result<std::shared_ptr<File>> FileSystem::open(std::string_view path, int flags, int mode) {
  m_services.charge(m_services.config.open);
  const bool write = (flags & O_ACCMODE) != O_RDONLY;
  if ((flags & O_CREAT) != 0 && (flags & O_DIRECTORY) != 0) return refuse(EINVAL);
  std::string name;
  auto found = find(path, name);
  if (!found) {
    if (found.error().value != ENOENT || (flags & O_CREAT) == 0 || name.empty()) return refuse(found.error().value);
    found = create(name, mode);
    if (!found) return refuse(found.error().value);
  } else if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
    return refuse(EEXIST);
  }
  const int kept = (flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC)) | kLargeFile;
  if (*found == kRootInode) {
    if (write || (flags & (O_CREAT | O_TRUNC)) != 0) return refuse(EISDIR);
    return std::make_shared<DirectoryFile>(kept, m_directory.size());
  }
  if ((flags & O_DIRECTORY) != 0) return refuse(ENOTDIR);
  Inode& inode = inode_of(*found);
  if ((flags & O_TRUNC) != 0 && inode.size() > 0) {
    const InodeLock lock{inode};
    if (const auto done = inode.truncate(0); !done) return refuse(done.error().value);
  }
  return std::make_shared<RegularFile>(*this, m_services, inode, kept);
}

Result<void> FileSystem::preload(std::string_view path, const std::function<void(PhysAddr)>& loaded) {
  std::string name;
  const auto found = find(path, name);
  if (!found) return refuse(found.error().value);
  if (*found == kRootInode) return refuse(EISDIR);
  return inode_of(*found).preload(loaded);
}

Inode& FileSystem::inode_of(std::uint32_t number) {
  auto& inode = m_inodes[number];
  if (!inode) inode = std::make_unique<Inode>(m_services, number, m_table[number], std::move(m_overflow[number]));
  return *inode;
}

Result<std::uint32_t> FileSystem::create(const std::string& name, int mode) {
  m_services.charge(m_services.config.create);
  if (const auto found = m_names.find(name); found != m_names.end()) return found->second;  // somebody was faster
  const auto free = std::find_if(m_table.begin() + 1, m_table.end(), [](const auto& inode) { return inode.mode == 0; });
  if (free == m_table.end()) return refuse(ENOSPC);
  const auto number = static_cast<std::uint32_t>(free - m_table.begin());
  if (const auto added = add_entry(name, number); !added) return refuse(added.error().value);
  *free = format::InodeRecord{};
  free->mode = S_IFREG | (static_cast<std::uint32_t>(mode) & 0777U);
  m_names[name] = number;
  return number;
}

Result<void> FileSystem::add_entry(const std::string& name, std::uint32_t inode) {
  const Bytes record = record_size_of(name.size());
  if (m_directory_end + record > m_directory.size()) {
    const auto& root = m_table[kRootInode].extents[0];
    if (m_directory.size() / kBlockSize >= root.count) return refuse(ENOSPC);
    m_directory_end = m_directory.size();
    m_directory.resize(m_directory.size() + kBlockSize);
    m_table[kRootInode].size = m_directory.size();
  }
  const DirectoryEntry entry{inode, static_cast<std::uint16_t>(record), static_cast<std::uint8_t>(name.size()), 0};
  std::memcpy(m_directory.data() + m_directory_end, &entry, sizeof entry);
  std::memcpy(m_directory.data() + m_directory_end + sizeof entry, name.data(), name.size());
  m_dirty_directory_blocks.insert(m_directory_end / kBlockSize);
  m_directory_end += record;
  return {};
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
  for (auto& [number, inode] : m_inodes) {
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
      m_names[std::string(name, entry.name_size)] = entry.inode;
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
  for (auto& [number, inode] : m_inodes) {
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
          for (auto inode = m_inodes.begin(); inode != m_inodes.end() && many(); ++inode) {
            inode->second->start_write_back(0, inode->second->cache().end_index());
            m_services.scheduler.cond_resched();
          }
        }
      },
      {}, true);
}

}  // namespace sluice::fs
