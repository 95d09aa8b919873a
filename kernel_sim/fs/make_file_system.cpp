// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/fs/make_file_system.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <set>
#include <utility>

#include <sys/stat.h>

#include "kernel_sim/fs/fs_format.h"
#include "models/base/result.h"

namespace sluice::fs {

using namespace format;

namespace {

constexpr std::uint32_t kSpareInodes = 256;
constexpr std::uint64_t kSpareDirectoryBlocks = 8;

void check_names(const std::vector<FileToPlace>& files) {
  std::set<std::string> seen;
  for (const auto& file : files) {
    const std::string& name = file.name;
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
        name.size() > kMaxNameSize) {
      throw base::InputError{"'" + name + "' cannot be the name of a file"};
    }
    if (!seen.insert(name).second) throw base::InputError{"two files are named '" + name + "'"};
    if (file.size > kMaxFileSize) throw base::InputError{"file '" + name + "' is larger than 16 TiB"};
  }
}

template <class T>
void put(std::vector<std::byte>& to, Bytes at, const T& value) {
  std::memcpy(to.data() + at, &value, sizeof value);
}

/// The directory's blocks, one after the other.
std::vector<std::byte> directory_of(const std::vector<FileToPlace>& files) {
  std::vector<std::byte> bytes(kBlockSize);
  Bytes used = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const Bytes record = record_size_of(files[i].name.size());
    if (used + record > kBlockSize) {
      bytes.resize(bytes.size() + kBlockSize);
      used = 0;
    }
    const Bytes at = bytes.size() - kBlockSize + used;
    put(bytes, at,
        DirectoryEntry{static_cast<std::uint32_t>(i + 1), static_cast<std::uint16_t>(record),
                       static_cast<std::uint8_t>(files[i].name.size()), 0});
    std::memcpy(bytes.data() + at + sizeof(DirectoryEntry), files[i].name.data(), files[i].name.size());
    used += record;
  }
  return bytes;
}

constexpr std::uint64_t kMostScattered = 256;  // extents of a file, so that some are left for what programs write

std::uint64_t blocks_of(const FileToPlace& file) { return divide_up(file.size, kBlockSize); }
/// Of each extent of a scattered file, but for its last.
std::uint64_t blocks_of_extent(const FileToPlace& file) {
  return std::max(kScatteredExtent / kBlockSize, divide_up(blocks_of(file), kMostScattered));
}

/// Gives out room for the data of files, one after the other.
class Room {
 public:
  Room(std::uint64_t first, std::uint64_t blocks) : m_next(first), m_end(blocks) {}

  std::uint64_t take(std::uint64_t blocks, const FileToPlace& file) {
    if (m_next > m_end || blocks > m_end - m_next) refuse(file);
    return std::exchange(m_next, m_next + blocks);
  }
  /// What is left is shared out among so many extents, none larger than `largest` blocks.
  void share_out(std::uint64_t extents, std::uint64_t largest, const FileToPlace& file) {
    m_shares = extents;
    m_share = m_next < m_end ? (m_end - m_next) / extents : 0;
    if (m_share < largest) refuse(file);
    // A step without a common factor comes to every share once.
    m_step = std::max<std::uint64_t>(extents * 382 / 1000, 1);
    while (std::gcd(m_step, extents) != 1) ++m_step;
  }
  std::uint64_t next_share() { return m_next + m_given++ * m_step % m_shares * m_share; }
  [[nodiscard]] bool overdrawn() const { return m_next > m_end; }

 private:
  [[noreturn]] void refuse(const FileToPlace& file) const {
    throw base::InputError{"the disk of " + std::to_string(m_end * kBlockSize) + " bytes is too small for file '" +
                           file.name + "' of " + std::to_string(file.size) + " bytes"};
  }

  std::uint64_t m_next;
  std::uint64_t m_end;
  std::uint64_t m_shares = 0;
  std::uint64_t m_share = 0;
  std::uint64_t m_step = 0;
  std::uint64_t m_given = 0;
};

/// The extents of one file, by page, and the block for those that the inode has no room for.
struct Placement {
  std::vector<Extent> extents;
  std::uint64_t overflow_block = 0;
};

std::vector<Placement> place(const std::vector<FileToPlace>& files, Room& room) {
  std::vector<Placement> placements(files.size());
  std::uint64_t scattered = 0;
  std::uint64_t largest = 0;
  const FileToPlace* last = nullptr;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::uint64_t blocks = blocks_of(files[i]);
    if (!files[i].scattered) {
      const std::uint64_t first = room.take(blocks, files[i]);
      if (blocks > 0) placements[i].extents.push_back({0, static_cast<std::uint32_t>(blocks), first});
    } else if (blocks > 0) {
      const std::uint64_t extents = divide_up(blocks, blocks_of_extent(files[i]));
      if (extents > kInlineExtents) placements[i].overflow_block = room.take(1, files[i]);
      scattered += extents;
      largest = std::max(largest, blocks_of_extent(files[i]));
      last = &files[i];
    }
  }
  if (last != nullptr) room.share_out(scattered, largest, *last);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!files[i].scattered) continue;
    const std::uint64_t blocks = blocks_of(files[i]);
    for (std::uint64_t page = 0; page < blocks; page += blocks_of_extent(files[i])) {
      const std::uint64_t count = std::min(blocks - page, blocks_of_extent(files[i]));
      placements[i].extents.push_back(
          {static_cast<std::uint32_t>(page), static_cast<std::uint32_t>(count), room.next_share()});
    }
  }
  return placements;
}

}  // namespace

FileSystemImage make_file_system(Bytes capacity, const std::vector<FileToPlace>& files) {
  check_names(files);
  const auto directory = directory_of(files);
  const auto inode_count = static_cast<std::uint32_t>(round_up(files.size() + 1 + kSpareInodes, kInodesPerBlock));
  const std::uint64_t table_blocks = inode_count / kInodesPerBlock;
  const std::uint64_t directory_blocks = directory.size() / kBlockSize;

  SuperBlock super;
  super.blocks = capacity / kBlockSize;
  super.inode_table = 1;
  super.inodes = inode_count;
  super.first_data_block = 1 + table_blocks + directory_blocks + kSpareDirectoryBlocks;

  FileSystemImage image;
  std::vector<std::byte> table(table_blocks * kBlockSize);
  InodeRecord root;
  root.size = directory.size();
  root.mode = S_IFDIR | 0755;
  root.extent_count = 1;
  root.extents[0] = {0, static_cast<std::uint32_t>(directory_blocks + kSpareDirectoryBlocks), 1 + table_blocks};
  put(table, 0, root);

  const auto add = [&](std::uint64_t block, const std::byte* bytes) {
    image.metadata.push_back({block * kBlockSize, std::vector<std::byte>(bytes, bytes + kBlockSize)});
  };
  Room room{super.first_data_block, super.blocks};
  const std::vector<Placement> placements = place(files, room);
  if (room.overdrawn()) throw base::InputError{"the disk is too small for a file system"};
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& [extents, overflow_block] = placements[i];
    InodeRecord inode;
    inode.size = files[i].size;
    inode.mode = S_IFREG | 0644;
    inode.extent_count = static_cast<std::uint32_t>(extents.size());
    std::copy_n(extents.begin(), std::min<std::size_t>(extents.size(), kInlineExtents), inode.extents);
    if (overflow_block != 0) {
      inode.overflow_block = overflow_block;
      std::vector<std::byte> more(kBlockSize);
      std::memcpy(more.data(), extents.data() + kInlineExtents, (extents.size() - kInlineExtents) * sizeof(Extent));
      add(overflow_block, more.data());
    }
    for (const Extent& extent : extents) {
      const Bytes in_file = extent.page * kBlockSize;
      image.files.push_back({files[i].number, extent.block * kBlockSize,
                             std::min(extent.count * kBlockSize, files[i].size - in_file), in_file});
    }
    put(table, (i + 1) * sizeof(InodeRecord), inode);
  }

  std::vector<std::byte> first(kBlockSize);
  put(first, 0, super);
  add(0, first.data());
  const std::uint64_t used_table_blocks = divide_up(files.size() + 1, kInodesPerBlock);
  for (std::uint64_t i = 0; i < used_table_blocks; ++i) add(1 + i, table.data() + i * kBlockSize);
  for (std::uint64_t i = 0; i < directory_blocks; ++i) add(1 + table_blocks + i, directory.data() + i * kBlockSize);
  return image;
}

}  // namespace sluice::fs
