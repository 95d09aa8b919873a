// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/fs/make_file_system.h"

#include <algorithm>
#include <cstring>
#include <set>

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

  std::uint64_t next = super.first_data_block;
  for (std::size_t i = 0; i < files.size(); ++i) {
    InodeRecord inode;
    inode.size = files[i].size;
    inode.mode = S_IFREG | 0644;
    const std::uint64_t blocks = divide_up(files[i].size, kBlockSize);
    if (next > super.blocks || blocks > super.blocks - next) {
      throw base::InputError{"the disk of " + std::to_string(capacity) + " bytes is too small for file '" +
                             files[i].name + "' of " + std::to_string(files[i].size) + " bytes"};
    }
    if (blocks > 0) {
      inode.extent_count = 1;
      inode.extents[0] = {0, static_cast<std::uint32_t>(blocks), next};
      image.files.push_back({files[i].number, next * kBlockSize, files[i].size});
    }
    put(table, (i + 1) * sizeof(InodeRecord), inode);
    next += blocks;
  }
  if (next > super.blocks) throw base::InputError{"the disk is too small for a file system"};

  const auto add = [&](std::uint64_t block, const std::byte* bytes) {
    image.metadata.push_back({block * kBlockSize, std::vector<std::byte>(bytes, bytes + kBlockSize)});
  };
  std::vector<std::byte> first(kBlockSize);
  put(first, 0, super);
  add(0, first.data());
  const std::uint64_t used_table_blocks = divide_up(files.size() + 1, kInodesPerBlock);
  for (std::uint64_t i = 0; i < used_table_blocks; ++i) add(1 + i, table.data() + i * kBlockSize);
  for (std::uint64_t i = 0; i < directory_blocks; ++i) add(1 + table_blocks + i, directory.data() + i * kBlockSize);
  return image;
}

}  // namespace sluice::fs
