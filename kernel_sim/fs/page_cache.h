// SPDX-License-Identifier: Apache-2.0
// The page cache of one inode: index -> frame and state, dense by chunks of 512 pages. Records never move, so a pointer
// to one stays good; what it says may change whenever time passes.
//
// Pages belong to folios: 2^order pages, aligned to their number in the file and in memory, that come and go together.
// A folio never crosses a chunk. What is known block by block (up to date, dirty, on its way) is kept for each page;
// what Linux keeps for a folio as a whole (the marker of read-ahead, use) is kept with its first page.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernel_sim/mm/address_space.h"
#include "kernel_sim/sched/scheduler.h"
#include "models/base/types.h"

namespace sluice::fs {

/// One page of a file in memory. The cache holds one reference on the folio for each of its pages.
struct CachedPage {
  enum Flag : std::uint8_t {
    kPresent = 1 << 0,
    kUptodate = 1 << 1,   ///< the contents are the file's
    kLocked = 1 << 2,     ///< being read or filled; wait for it
    kDirty = 1 << 3,      ///< newer than the disk
    kWriteback = 1 << 4,  ///< on its way to the disk
    // of the folio, with its first page:
    kReadahead = 1 << 5,  ///< whoever reads this folio starts the next window
    kAccessed = 1 << 6,   ///< used once since it came or since the clock passed
    kActive = 1 << 7,     ///< used more than once: gets a second chance
  };
  Frame frame;
  std::uint8_t flags = 0;
  std::uint8_t order = 0;  ///< of the folio

  [[nodiscard]] bool is(Flag flag) const { return (flags & flag) != 0; }
  void set(Flag flag) { flags = static_cast<std::uint8_t>(flags | flag); }
  void clear(Flag flag) { flags = static_cast<std::uint8_t>(flags & ~flag); }
  /// mark_page_accessed.
  void accessed() { set(is(kAccessed) ? kActive : kAccessed); }
};

class PageCache {
 public:
  static constexpr std::uint64_t kChunk = 512;

  /// Null when the page is not cached.
  CachedPage* find(std::uint64_t index) {
    const std::uint64_t chunk = index / kChunk;
    if (chunk >= m_chunks.size() || !m_chunks[chunk]) return nullptr;
    CachedPage& page = m_chunks[chunk]->pages[index % kChunk];
    return page.is(CachedPage::kPresent) ? &page : nullptr;
  }
  /// Adds the 2^order pages from `index` on, all with these flags. The caller has a reference for each.
  CachedPage& insert(std::uint64_t index, Frame frame, unsigned order, unsigned flags);
  /// The folio of a page that is cached.
  [[nodiscard]] mm::Folio folio_of(std::uint64_t index);
  /// The first page of the folio of a page that is cached.
  CachedPage& head_of(std::uint64_t index) { return *find(folio_of(index).first); }
  /// Whether a page of [first, first + count) is cached.
  [[nodiscard]] bool any(std::uint64_t first, std::uint64_t count) {
    return next_cached(first, first + count) < first + count;
  }
  /// How many pages from `index` on, at most `most`, are up to date and not locked.
  [[nodiscard]] std::uint64_t ready(std::uint64_t index, std::uint64_t most);
  /// Forgets the folio's pages; the caller has the cache's references now.
  void erase(const mm::Folio& folio);
  /// Makes two folios of the one of page `index`.
  void halve(std::uint64_t index);

  void mark_dirty(std::uint64_t index);
  void clear_dirty(std::uint64_t index);

  [[nodiscard]] std::uint64_t cached_pages() const { return m_present; }
  [[nodiscard]] std::uint64_t dirty_pages() const { return m_dirty; }
  /// First index beyond every page that was ever cached.
  [[nodiscard]] std::uint64_t end_index() const { return m_chunks.size() * kChunk; }

  // Linux's page_cache_next_miss and page_cache_prev_miss.
  [[nodiscard]] std::uint64_t next_miss(std::uint64_t index, std::uint64_t most);
  /// How many pages right before `index` are cached, at most `most`.
  [[nodiscard]] std::uint64_t history(std::uint64_t index, std::uint64_t most);

  /// First page of [index, end) that is cached (or dirty); `end` when there is none.
  [[nodiscard]] std::uint64_t next_cached(std::uint64_t index, std::uint64_t end);
  [[nodiscard]] std::uint64_t next_dirty(std::uint64_t index, std::uint64_t end);

  /// Sleeps once until something happened to the page.
  void wait(sched::Scheduler& scheduler, std::uint64_t index, const char* what);
  /// Something happened to pages [first, first + count).
  void wake(sched::Scheduler& scheduler, std::uint64_t first, std::uint64_t count);

 private:
  struct Chunk {
    std::array<CachedPage, kChunk> pages;
    std::uint32_t present = 0;
    std::uint32_t dirty = 0;
  };
  struct Waiter {
    std::uint64_t index;
    sched::WaitQueue queue;
  };

  std::vector<std::unique_ptr<Chunk>> m_chunks;
  std::uint64_t m_present = 0;
  std::uint64_t m_dirty = 0;
  std::vector<Waiter*> m_waiters;
};

}  // namespace sluice::fs
