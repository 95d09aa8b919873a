// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/fs/file_mapping.h"

#include <algorithm>

#include <sys/mman.h>

namespace sluice::fs {

FileMapping::FileMapping(Services& services, Inode& inode, std::shared_ptr<ReadAheadState> read_ahead, bool writable)
    : m_services(services), m_inode(inode), m_read_ahead(std::move(read_ahead)), m_writable(writable) {
  m_inode.add_mapping(*this);
}

FileMapping::~FileMapping() { m_inode.remove_mapping(*this); }

Result<mm::Folio> FileMapping::fault_page(const Fault& fault, bool& major) {
  m_services.charge(m_services.config.page_lookup);
  for (;;) {
    if (fault.index >= m_inode.size_in_pages()) return refuse(EFAULT);
    if (m_inode.cache().find(fault.index) != nullptr) {
      // Found: the next window may be due even while this page is still on its way.
      if (fault.advice != MADV_RANDOM && m_read_ahead->max_pages > 0) {
        if (m_read_ahead->mmap_misses > 0) --m_read_ahead->mmap_misses;
        if (m_inode.cache().head_of(fault.index).is(CachedPage::kReadahead)) {
          m_inode.read_ahead_marked(*m_read_ahead, fault.index, m_read_ahead->max_pages);
        }
      }
    } else {
      major = true;
      page_missing(fault);
      if (m_inode.cache().find(fault.index) == nullptr) m_inode.start_reading(fault.index, 1);
      if (m_inode.cache().find(fault.index) == nullptr && fault.index < m_inode.size_in_pages()) return refuse(ENOMEM);
    }
    const auto ready = wait_for_folio(fault.index);
    if (!ready && ready.error().value == EAGAIN) continue;  // truncated or reclaimed meanwhile: look again
    if (!ready) return refuse(ready.error().value);
    if (fault.index >= m_inode.size_in_pages()) return refuse(EFAULT);
    const mm::Folio folio = m_inode.cache().folio_of(fault.index);
    m_inode.cache().find(folio.first)->accessed();
    m_services.frames.get(folio.frame);
    return folio;
  }
}

/// A folio whose parts come by several requests is locked until all of them are there: all of it may be mapped then.
Result<void> FileMapping::wait_for_folio(std::uint64_t index) {
  PageCache& cache = m_inode.cache();
  for (;;) {
    if (cache.find(index) == nullptr) return refuse(EAGAIN);
    const mm::Folio folio = cache.folio_of(index);
    std::uint64_t page = folio.first;
    while (page < folio.end() && cache.find(page)->is(CachedPage::kUptodate)) ++page;
    if (page == folio.end()) return {};
    if (const auto ready = m_inode.wait_uptodate(page); !ready) return ready;  // what was there may be gone since
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
  m_inode.read_around(state, fault.index);
}

/// next_uptodate_folio. A folio with the marker must fault by itself, to start the next window.
std::optional<mm::Folio> FileMapping::cached_folio(std::uint64_t index) {
  PageCache& cache = m_inode.cache();
  if (index >= m_inode.size_in_pages() || cache.find(index) == nullptr) return {};
  const mm::Folio folio = cache.folio_of(index);
  CachedPage& head = *cache.find(folio.first);
  if (head.is(CachedPage::kReadahead) || cache.ready(folio.first, folio.pages) < folio.pages) return {};
  head.accessed();
  return folio;
}

bool FileMapping::resident(std::uint64_t index) {
  return index < m_inode.size_in_pages() && m_inode.cache().ready(index, 1) == 1;
}

Result<void> FileMapping::punch_hole(std::uint64_t first_index, std::uint64_t pages) {
  if (!m_writable) return refuse(EACCES);
  const InodeLock lock{m_inode};
  return m_inode.punch_hole(first_index, first_index + pages);
}

void FileMapping::mapped_around(std::uint64_t pages) {
  m_read_ahead->mmap_misses -= std::min(m_read_ahead->mmap_misses, pages);
}

}  // namespace sluice::fs
