// SPDX-License-Identifier: Apache-2.0
// mkfs: lays files out on a medium before the machine starts. Needs no kernel and no simulation.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/base/types.h"

namespace sluice::fs {

/// A file that shall be there. `number` is the payload's file number in the ledger, handed through.
struct FileToPlace {
  std::string name;
  Bytes size = 0;
  std::uint32_t number = 0;
  bool scattered = false;
};

/// A scattered file lies in extents of this size, or in 256 larger ones.
inline constexpr Bytes kScatteredExtent = 64_KiB;

struct FileSystemImage {
  struct Block {
    Bytes offset;                  ///< from the start of the medium
    std::vector<std::byte> bytes;  ///< 4 KiB
  };
  struct Placed {
    std::uint32_t number;
    Bytes offset;  ///< from the start of the medium
    Bytes size;
    Bytes in_file;  ///< of the file, what lies there
  };
  std::vector<Block> metadata;  ///< blocks that are not listed are zero
  std::vector<Placed> files;    ///< their extents in the order given; empty files have none
};

/// Every file in one extent, in the order given, with room for more inodes and data after them. The extents of
/// scattered files are spread over that room: of two that follow each other, each is a good third of it away from the
/// other. InputError when they do not fit, or a name is empty, too long, used twice or holds a slash.
FileSystemImage make_file_system(Bytes capacity, const std::vector<FileToPlace>& files);

}  // namespace sluice::fs
