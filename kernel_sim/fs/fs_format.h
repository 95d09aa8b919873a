// SPDX-License-Identifier: Apache-2.0
// What lies on the disk: a simple extent file system with one directory. All numbers little-endian.
//
//   block 0      superblock
//   block 1...   inode table, 16 inodes of 256 bytes per block; inode 0 is the root directory
//   then         the directory's first blocks, then file data
//
// A file is a list of extents: 14 in the inode, 256 more in one overflow block. Pages without an extent are holes and
// read as zeroes. There is no free-space bitmap: whoever mounts learns it from the extents.
//
// A directory block is a run of entries, each `record_size` bytes (header and name, rounded up to 4); an entry of
// record_size 0, or the end of the block, ends it.
#pragma once

#include <cstdint>

#include "models/base/types.h"

namespace sluice::fs::format {

inline constexpr Bytes kBlockSize = 4096;
inline constexpr std::uint64_t kMagic = 0x3153'4645'4349'554C;
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::uint32_t kRootInode = 0;
inline constexpr std::uint32_t kNoInode = 0;  ///< of a directory entry whose file has gone; the root has no entry
inline constexpr unsigned kInlineExtents = 14;
inline constexpr unsigned kOverflowExtents = 256;
inline constexpr unsigned kInodesPerBlock = 16;
inline constexpr Bytes kMaxNameSize = 255;
inline constexpr Bytes kMaxFileSize = Bytes{1} << 44;  ///< 16 TiB: page numbers have 32 bits

struct SuperBlock {
  std::uint64_t magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t block_size = kBlockSize;
  std::uint64_t blocks = 0;
  std::uint64_t inode_table = 0;  ///< first block
  std::uint32_t inodes = 0;
  std::uint32_t reserved = 0;
  std::uint64_t first_data_block = 0;
};
static_assert(sizeof(SuperBlock) == 48);

/// Pages [page, page + count) of the file lie in blocks [block, block + count).
struct Extent {
  std::uint32_t page = 0;
  std::uint32_t count = 0;
  std::uint64_t block = 0;
};
static_assert(sizeof(Extent) == 16);

struct InodeRecord {
  std::uint64_t size = 0;  ///< bytes
  std::uint32_t mode = 0;  ///< as st_mode; 0: free
  std::uint32_t extent_count = 0;
  std::uint64_t overflow_block = 0;  ///< 0: none
  std::uint64_t reserved = 0;
  Extent extents[kInlineExtents];
};
static_assert(sizeof(InodeRecord) == 256);

struct DirectoryEntry {
  std::uint32_t inode = 0;
  std::uint16_t record_size = 0;
  std::uint8_t name_size = 0;
  std::uint8_t reserved = 0;
};
static_assert(sizeof(DirectoryEntry) == 8);

constexpr Bytes record_size_of(Bytes name_size) { return round_up(sizeof(DirectoryEntry) + name_size, 4); }

}  // namespace sluice::fs::format
