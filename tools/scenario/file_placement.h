// SPDX-License-Identifier: Apache-2.0
// How a file lies on its disk. Of all forms of a run: a workload's files, and those that programs open.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace sluice::scenario {

enum class FilePlacement : std::uint8_t {
  Contiguous,  ///< in one extent
  Scattered,   ///< in extents of fs::kScatteredExtent, spread over the disk
};

inline constexpr std::initializer_list<const char*> kFilePlacementNames = {"contiguous", "scattered"};
inline constexpr const char* kFilePlacementHelp =
    "on the disk; scattered: in extents of 64 KiB that are spread over it, larger ones when there would be more than "
    "256; on a host as its file system does it";

}  // namespace sluice::scenario
