// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/fs/file_mapping.h"

#include <sys/mman.h>

namespace sluice::fs {

FileMapping::FileMapping(Services& services, Inode& inode, std::shared_ptr<ReadAheadState> read_ahead)
    : m_services(services), m_inode(inode), m_read_ahead(std::move(read_ahead)) {
  m_inode.add_mapping(*this);
}

FileMapping::~FileMapping() { m_inode.remove_mapping(*this); }

Result<Frame> FileMapping::fault_page(const Fault& fault, bool& major) {
  m_services.charge(m_services.config.page_lookup);
  for (;;) {
    if (fault.index >= m_inode.size_in_pages()) return refuse(EFAULT);
    if (CachedPage* page = m_inode.cache().find(fault.index)) {
      // Found: the next window may be due even while this page is still on its way.
      if (fault.advice != MADV_RANDOM && m_read_ahead->max_pages > 0) {
        if (m_read_ahead->mmap_misses > 0) --m_read_ahead->mmap_misses;
        if (page->is(CachedPage::kReadahead)) {
          m_inode.read_ahead_marked(*m_read_ahead, *page, fault.index, m_read_ahead->max_pages);
        }
      }
    } else {
      major = true;
      page_missing(fault);
      if (m_inode.cache().find(fault.index) == nullptr) m_inode.start_reading(fault.index, 1, 0);
      if (m_inode.cache().find(fault.index) == nullptr && fault.index < m_inode.size_in_pages()) return refuse(ENOMEM);
    }
    const auto ready = m_inode.wait_uptodate(fault.index);
    if (!ready && ready.error().value == EAGAIN) continue;  // truncated or reclaimed meanwhile: look again
    if (!ready) return refuse(ready.error().value);
    if (fault.index >= m_inode.size_in_pages()) return refuse(EFAULT);
    CachedPage* page = m_inode.cache().find(fault.index);
    page->accessed();
    m_services.frames.get(page->frame);
    return page->frame;
  }
}

/// do_sync_mmap_readahead.
void FileMapping::page_missing(const Fault& fault) {
  ReadAheadState& state = *m_read_ahead;
  if (fault.advice == MADV_RANDOM || state.max_pages == 0) return;
  if (fault.advice == MADV_SEQUENTIAL) return m_inode.read_ahead_missing(state, fault.index, state.max_pages);
  const std::uint64_t lots = m_services.config.mmap_lots_of_misses;
  if (state.mmap_misses < lots * 10) ++state.mmap_misses;
  if (state.mmap_misses > lots) return;
  state.start = fault.index > state.max_pages / 2 ? fault.index - state.max_pages / 2 : 0;
  state.size = state.max_pages;
  state.async_size = state.max_pages / 4;
  m_inode.start_reading(state.start, state.size, state.async_size);
}

std::optional<Frame> FileMapping::cached_page(std::uint64_t index) {
  CachedPage* page = m_inode.cache().find(index);
  // A page with the marker must fault by itself, to start the next window (next_uptodate_folio).
  if (page == nullptr || index >= m_inode.size_in_pages() || page->is(CachedPage::kLocked) ||
      page->is(CachedPage::kReadahead) || !page->is(CachedPage::kUptodate)) {
    return {};
  }
  if (m_read_ahead->mmap_misses > 0) --m_read_ahead->mmap_misses;
  page->accessed();
  m_services.frames.get(page->frame);
  return page->frame;
}

}  // namespace sluice::fs
