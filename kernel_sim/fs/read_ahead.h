// SPDX-License-Identifier: Apache-2.0
// Which pages to read besides the one that is asked for: Linux's on-demand read-ahead (mm/readahead.c). Decides only;
// Inode reads.
#pragma once

#include <cstdint>
#include <optional>

#include "kernel_sim/fs/page_cache.h"

namespace sluice::fs {

/// Per open file (struct file_ra_state). Counts are in pages.
struct ReadAheadState {
  std::uint64_t start = 0;       ///< of the current window
  std::uint64_t size = 0;        ///< of the current window
  std::uint64_t async_size = 0;  ///< when this many pages of it are left, the next window starts
  std::uint64_t max_pages = 0;
  std::uint64_t mmap_misses = 0;
  std::int64_t previous_position = -1;  ///< last byte position read, in bytes
  bool random = false;                  ///< POSIX_FADV_RANDOM: exactly what is asked for
};

struct ReadAheadWindow {
  std::uint64_t first = 0;
  std::uint64_t pages = 0;
  std::uint64_t lookahead = 0;  ///< the page this many before the end carries the marker; 0: none
};

/// First window for a request of `request` pages when at most `most` are allowed.
std::uint64_t initial_window(std::uint64_t request, std::uint64_t most);
/// The window after one of `current` pages.
std::uint64_t next_window(std::uint64_t current, std::uint64_t most);

/// ondemand_readahead: `marker` is true when page `index` is cached and carries the marker, false when it is missing.
/// `request` is how many pages the reader wants from `index` on; `most_io` the largest request of the disk in pages.
std::optional<ReadAheadWindow> decide_read_ahead(ReadAheadState& state, PageCache& cache, std::uint64_t index,
                                                 std::uint64_t request, std::uint64_t most_io, bool marker);

}  // namespace sluice::fs
