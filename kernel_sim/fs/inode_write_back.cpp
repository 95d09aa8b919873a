// SPDX-License-Identifier: Apache-2.0
// From the page cache to the disk, and out of the page cache.
#include <algorithm>

#include "kernel_sim/fs/inode.h"

namespace sluice::fs {

class Inode::WriteBio final : public block::Bio {
 public:
  WriteBio(Inode& inode, std::uint64_t first, std::uint64_t block)
      : Bio(block::Direction::Write, block * kSectorsPerPage), m_inode(inode), m_first(first) {}
  void finished(bool success) override { m_inode.finish_writing(m_first, size() / kPageSize, success); }

 private:
  Inode& m_inode;
  std::uint64_t m_first;
};

void Inode::mark_dirty(std::uint64_t index) {
  const auto before = m_cache.dirty_pages();
  m_cache.mark_dirty(index);
  m_services.dirty_pages += m_cache.dirty_pages() - before;
}

void Inode::mark_clean(std::uint64_t index) {
  const auto before = m_cache.dirty_pages();
  m_cache.clear_dirty(index);
  m_services.dirty_pages -= before - m_cache.dirty_pages();
}

/// block_page_mkwrite: blocks for all of the folio, up to the end of the file, or none of it is written.
Result<void> Inode::page_dirtied(std::uint64_t index) {
  if (m_cache.find(index) == nullptr) return {};  // truncated under the mapping
  const mm::Folio folio = m_cache.folio_of(index);
  const std::uint64_t end = std::min(folio.end(), size_in_pages());
  if (folio.first >= end) return {};
  if (const auto allocated = allocate_blocks(folio.first, end - folio.first); !allocated) return allocated;
  for (std::uint64_t i = folio.first; i < std::min(end, size_in_pages()); ++i) {
    if (m_cache.find(i) != nullptr) mark_dirty(i);
  }
  return {};
}

void Inode::start_write_back(std::uint64_t first, std::uint64_t end) {
  block::Plug plug{m_services.queue};
  for (std::uint64_t index = first; (index = m_cache.next_dirty(index, end)) < end;) {
    const auto piece = m_extents.find(index);
    if (piece.hole()) {  // cut by a truncation, in a hole
      mark_clean(index++);
      continue;
    }
    // A page that is still on its way is waited for, so that writes of one page do not overtake each other.
    if (m_cache.find(index)->is(CachedPage::kWriteback)) {
      plug.flush();
      m_cache.wait(m_services.scheduler, index, "write-back of a page");
      continue;
    }
    auto bio = std::make_unique<WriteBio>(*this, index, piece.block);
    std::uint64_t run = 0;
    for (; run < piece.pages && index + run < end; ++run) {
      CachedPage* page = m_cache.find(index + run);
      if (page == nullptr || !page->is(CachedPage::kDirty) || page->is(CachedPage::kWriteback)) break;
      // Clean before it is read by the disk: a write that comes later makes it dirty again.
      mark_clean(index + run);
      page->set(CachedPage::kWriteback);
      bio->add(page->frame.address(), kPageSize);
    }
    if (index <= m_size / kPageSize && m_size / kPageSize < index + run) zero_beyond_end();  // not to the disk either
    m_services.charge(m_services.config.page_write_back, run);
    for (auto* mapping : m_mappings) {
      const auto spaces = mapping->mappers();
      for (auto* space : spaces) space->write_protect(*mapping, index, run);
    }
    plug.add(std::move(bio));
    index += run;
  }
  plug.flush();
}

void Inode::finish_writing(std::uint64_t first, std::uint64_t count, bool success) {
  for (std::uint64_t index = first; index < first + count; ++index) {
    CachedPage* page = m_cache.find(index);
    base::ensure(page != nullptr && page->is(CachedPage::kWriteback), "a page stays in the cache while it is written");
    page->clear(CachedPage::kWriteback);
  }
  if (success) {
    m_services.statistics.pages_written += count;
  } else {
    m_write_error = EIO;
  }
  m_cache.wake(m_services.scheduler, first, count);
}

Result<void> Inode::wait_for_write_back(std::uint64_t first, std::uint64_t end) {
  for (std::uint64_t index = first; (index = m_cache.next_cached(index, end)) < end; ++index) {
    for (CachedPage* page = m_cache.find(index); page != nullptr && page->is(CachedPage::kWriteback);
         page = m_cache.find(index)) {
      m_cache.wait(m_services.scheduler, index, "write-back of a page");
    }
  }
  if (const int error = std::exchange(m_write_error, 0); error != 0) return refuse(error);
  return {};
}

/// A page of the folio is locked, on its way to the disk or newer than it.
bool Inode::busy(const mm::Folio& folio) {
  for (std::uint64_t i = folio.first; i < folio.end(); ++i) {
    const CachedPage& page = *m_cache.find(i);
    if (page.is(CachedPage::kLocked) || page.is(CachedPage::kWriteback) || page.is(CachedPage::kDirty)) return true;
  }
  return false;
}

/// Mapped, in a pipe or on its way to the network.
bool Inode::in_use(const mm::Folio& folio) { return m_services.frames.references(folio.frame) != folio.pages; }

void Inode::drop_folio(const mm::Folio& folio) {
  for (std::uint64_t i = folio.first; i < folio.end(); ++i) mark_clean(i);
  m_cache.erase(folio);
  m_services.frames.put(folio.frame, folio.pages);
}

void Inode::extend_to_folios(std::uint64_t& first, std::uint64_t& end) {
  if (m_cache.find(first) != nullptr) first = m_cache.folio_of(first).first;
  if (end > 0 && m_cache.find(end - 1) != nullptr) end = m_cache.folio_of(end - 1).end();
}

void Inode::drop_folios(std::uint64_t first, std::uint64_t end) {
  for (std::uint64_t index = first; (index = m_cache.next_cached(index, end)) < end;) {
    const mm::Folio folio = m_cache.folio_of(index);
    std::uint64_t held = folio.first;
    while (held < folio.end() && !m_cache.find(held)->is(CachedPage::kLocked) &&
           !m_cache.find(held)->is(CachedPage::kWriteback)) {
      ++held;
    }
    if (held < folio.end()) {
      m_cache.wait(m_services.scheduler, held, "a page of a file");
      continue;
    }
    drop_folio(folio);
    index = folio.end();
  }
}

void Inode::drop_clean_folios(std::uint64_t first, std::uint64_t end) {
  for (std::uint64_t index = first; (index = m_cache.next_cached(index, end)) < end;) {
    const mm::Folio folio = m_cache.folio_of(index);
    index = folio.end();
    if (folio.first >= first && folio.end() <= end && !busy(folio) && !in_use(folio)) drop_folio(folio);
  }
}

std::uint64_t Inode::reclaim(std::uint64_t wanted, std::uint64_t& hand, std::uint64_t& looked) {
  std::uint64_t freed = 0;
  const std::uint64_t end = m_cache.end_index();
  while (freed < wanted && (hand = m_cache.next_cached(hand, end)) < end) {
    const mm::Folio folio = m_cache.folio_of(hand);
    hand = folio.end();
    ++looked;
    if (busy(folio) || in_use(folio)) continue;
    CachedPage& head = *m_cache.find(folio.first);
    if (head.is(CachedPage::kActive)) {
      head.clear(CachedPage::kActive);
      head.clear(CachedPage::kAccessed);
      continue;
    }
    drop_folio(folio);
    freed += folio.pages;
  }
  m_services.statistics.pages_reclaimed += freed;
  return freed;
}

void Inode::unmap(std::uint64_t first, std::uint64_t pages, bool private_copies) {
  const auto mappings = m_mappings;
  for (auto* mapping : mappings) {
    const auto spaces = mapping->mappers();
    for (auto* space : spaces) space->zap(*mapping, first, pages, private_copies);
  }
}

}  // namespace sluice::fs
