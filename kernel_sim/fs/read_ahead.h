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
  unsigned order = 0;            ///< of the folios of the current window
  std::uint64_t max_pages = 0;
  std::uint64_t mmap_misses = 0;
  std::int64_t previous_position = -1;  ///< last byte position read, in bytes
  bool random = false;                  ///< POSIX_FADV_RANDOM: exactly what is asked for
};

struct ReadAheadWindow {
  std::uint64_t first = 0;
  std::uint64_t pages = 0;
  std::uint64_t lookahead = 0;  ///< the page this many before the end carries the marker; 0: none
  unsigned order = 0;           ///< folios of up to 2^order pages
};

/// First window for a request of `request` pages when at most `most` are allowed.
std::uint64_t initial_window(std::uint64_t request, std::uint64_t most);
/// The window after one of `current` pages.
std::uint64_t next_window(std::uint64_t current, std::uint64_t most);

/// What bounds a decision.
struct ReadAheadLimits {
  std::uint64_t most_io = 0;  ///< the largest request of the disk, in pages
  unsigned max_order = 0;     ///< of a folio; 0: single pages
};

/// page_cache_sync_ra: page `index` is missing in the cache, and the reader wants `request` pages from there on.
ReadAheadWindow read_ahead_of_missing(ReadAheadState& state, PageCache& cache, std::uint64_t index,
                                      std::uint64_t request, const ReadAheadLimits& limits);
/// page_cache_async_ra: page `index` belongs to a folio of `folio_pages` pages that carries the marker.
std::optional<ReadAheadWindow> read_ahead_of_marked(ReadAheadState& state, PageCache& cache, std::uint64_t index,
                                                    std::uint64_t folio_pages, std::uint64_t request,
                                                    const ReadAheadLimits& limits);
/// What page_cache_ra_order makes of the state's window.
ReadAheadWindow current_window(ReadAheadState& state, const ReadAheadLimits& limits);
/// Order of the folio that begins at `index` in a window of folios of up to 2^order pages that ends at `end`.
unsigned read_ahead_order(std::uint64_t index, std::uint64_t end, unsigned order);

}  // namespace sluice::fs
