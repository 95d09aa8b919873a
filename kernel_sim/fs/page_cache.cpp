// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/fs/page_cache.h"

#include <algorithm>

#include "models/base/result.h"

namespace sluice::fs {

CachedPage& PageCache::insert(std::uint64_t index, Frame frame, unsigned order, unsigned flags) {
  const std::uint32_t count = 1U << order;
  base::ensure(index % count == 0 && count <= kChunk, "a folio is aligned in its file");
  const std::uint64_t number = index / kChunk;
  if (number >= m_chunks.size()) m_chunks.resize(number + 1);
  if (!m_chunks[number]) m_chunks[number] = std::make_unique<Chunk>();
  Chunk& chunk = *m_chunks[number];
  for (std::uint32_t i = 0; i < count; ++i) {
    CachedPage& page = chunk.pages[index % kChunk + i];
    base::ensure(!page.is(CachedPage::kPresent), "a page is inserted into the page cache once");
    page.frame = Frame{frame.number() + i};
    page.flags = static_cast<std::uint8_t>(flags | CachedPage::kPresent);
    page.order = static_cast<std::uint8_t>(order);
  }
  chunk.present += count;
  m_present += count;
  return chunk.pages[index % kChunk];
}

mm::Folio PageCache::folio_of(std::uint64_t index) {
  const CachedPage& page = *find(index);
  const std::uint64_t first = index >> page.order << page.order;
  return {first, 1U << page.order, Frame{page.frame.number() - static_cast<std::uint32_t>(index - first)}};
}

std::uint64_t PageCache::ready(std::uint64_t index, std::uint64_t most) {
  std::uint64_t count = 0;
  for (; count < most; ++count) {
    const CachedPage* page = find(index + count);
    if (page == nullptr || !page->is(CachedPage::kUptodate) || page->is(CachedPage::kLocked)) break;
  }
  return count;
}

void PageCache::erase(const mm::Folio& folio) {
  Chunk& chunk = *m_chunks[folio.first / kChunk];
  for (std::uint64_t index = folio.first; index < folio.end(); ++index) {
    clear_dirty(index);
    chunk.pages[index % kChunk].flags = 0;
  }
  chunk.present -= folio.pages;
  m_present -= folio.pages;
}

void PageCache::halve(std::uint64_t index) {
  const mm::Folio folio = folio_of(index);
  const auto of_folio = CachedPage::kReadahead | CachedPage::kAccessed | CachedPage::kActive;
  for (std::uint64_t i = folio.first; i < folio.end(); ++i) --find(i)->order;
  CachedPage& upper = *find(folio.first + folio.pages / 2);
  upper.flags = static_cast<std::uint8_t>(upper.flags | (find(folio.first)->flags & of_folio));
}

void PageCache::mark_dirty(std::uint64_t index) {
  Chunk& chunk = *m_chunks[index / kChunk];
  CachedPage& page = chunk.pages[index % kChunk];
  if (page.is(CachedPage::kDirty)) return;
  page.set(CachedPage::kDirty);
  ++chunk.dirty;
  ++m_dirty;
}

void PageCache::clear_dirty(std::uint64_t index) {
  Chunk& chunk = *m_chunks[index / kChunk];
  CachedPage& page = chunk.pages[index % kChunk];
  if (!page.is(CachedPage::kDirty)) return;
  page.clear(CachedPage::kDirty);
  --chunk.dirty;
  --m_dirty;
}

std::uint64_t PageCache::next_miss(std::uint64_t index, std::uint64_t most) {
  std::uint64_t looked = 0;
  while (looked < most && find(index) != nullptr) {
    ++index;
    ++looked;
  }
  return index;
}

std::uint64_t PageCache::history(std::uint64_t index, std::uint64_t most) {
  std::uint64_t count = 0;
  while (count < most && count < index && find(index - 1 - count) != nullptr) ++count;
  return count;
}

std::uint64_t PageCache::next_cached(std::uint64_t index, std::uint64_t end) {
  while (index < end) {
    const std::uint64_t number = index / kChunk;
    if (number >= m_chunks.size()) return end;
    if (!m_chunks[number] || m_chunks[number]->present == 0) {
      index = (number + 1) * kChunk;
      continue;
    }
    if (m_chunks[number]->pages[index % kChunk].is(CachedPage::kPresent)) return index;
    ++index;
  }
  return end;
}

std::uint64_t PageCache::next_dirty(std::uint64_t index, std::uint64_t end) {
  while (index < end) {
    const std::uint64_t number = index / kChunk;
    if (number >= m_chunks.size()) return end;
    if (!m_chunks[number] || m_chunks[number]->dirty == 0) {
      index = (number + 1) * kChunk;
      continue;
    }
    if (m_chunks[number]->pages[index % kChunk].is(CachedPage::kDirty)) return index;
    ++index;
  }
  return end;
}

void PageCache::wait(sched::Scheduler& scheduler, std::uint64_t index, const char* what) {
  Waiter waiter{index, {}};
  m_waiters.push_back(&waiter);
  // Leaves the list also when the task is unwound.
  struct Leave {
    std::vector<Waiter*>& list;
    Waiter* self;
    ~Leave() { std::erase(list, self); }
  } leave{m_waiters, &waiter};
  scheduler.wait(waiter.queue, what);
}

void PageCache::wake(sched::Scheduler& scheduler, std::uint64_t first, std::uint64_t count) {
  // Waking takes time, in which the list may change: start over after each one.
  for (bool woken = true; woken;) {
    woken = false;
    for (Waiter* waiter : m_waiters) {
      if (waiter->index < first || waiter->index - first >= count || waiter->queue.empty()) continue;
      scheduler.wake_all(waiter->queue);
      woken = true;
      break;
    }
  }
}

}  // namespace sluice::fs
