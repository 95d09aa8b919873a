// SPDX-License-Identifier: Apache-2.0
// From the disk into the page cache.
#include <algorithm>
#include <array>

#include "kernel_sim/fs/inode.h"

namespace sluice::fs {

namespace {

constexpr std::uint64_t kSectorsPerPage = kPageSize / block::kSectorSize;
constexpr std::uint64_t kForcedChunk = (Bytes{2} << 20) / kPageSize;  // force_page_cache_ra reads 2 MiB at a time

}  // namespace

class Inode::ReadBio final : public block::Bio {
 public:
  ReadBio(Inode& inode, std::uint64_t first, std::uint64_t block)
      : Bio(block::Direction::Read, block * kSectorsPerPage), m_inode(inode), m_first(first) {}
  void finished(bool success) override { m_inode.finish_reading(m_first, size() / kPageSize, success); }

 private:
  Inode& m_inode;
  std::uint64_t m_first;
};

void Inode::start_reading(std::uint64_t first, std::uint64_t count, std::uint64_t lookahead) {
  if (first >= size_in_pages()) return;
  count = std::min(count, size_in_pages() - first);
  ++m_services.statistics.read_ahead_windows;
  m_services.charge(m_services.config.read_ahead_submit);
  // The marker's place counts from the end as clipped to the file (do_page_cache_ra).
  const std::uint64_t marker = lookahead > 0 && lookahead <= count ? count - lookahead : ~std::uint64_t{0};
  std::vector<std::uint64_t> missing;
  missing.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (m_cache.find(first + i) != nullptr) continue;
    const auto frame = m_services.frames.allocate(Place::PageCache);
    if (!frame) break;
    if (m_cache.find(first + i) != nullptr) {  // somebody was faster while the frame was allocated
      m_services.frames.put(*frame);
      continue;
    }
    m_cache.insert(first + i, *frame, i == marker ? CachedPage::kLocked | CachedPage::kReadahead : CachedPage::kLocked);
    missing.push_back(first + i);
  }
  m_services.charge(m_services.config.page_insert, missing.size());
  submit_reads(missing);
}

/// The pages are in the cache and locked by the caller, in ascending order.
void Inode::submit_reads(std::span<const std::uint64_t> pages) {
  block::Plug plug{m_services.queue};
  for (std::size_t i = 0; i < pages.size();) {
    m_services.charge(m_services.config.map_blocks);
    const auto piece = m_extents.find(pages[i]);
    std::size_t run = 1;
    while (i + run < pages.size() && run < piece.pages && pages[i + run] == pages[i] + run) ++run;
    if (piece.hole()) {
      for (std::size_t k = 0; k < run; ++k) {
        m_services.machine.cpu.zero(m_cache.find(pages[i + k])->frame.address(), kPageSize);
        m_cache.find(pages[i + k])->set(CachedPage::kUptodate);
        unlock_page(pages[i + k]);
      }
    } else {
      auto bio = std::make_unique<ReadBio>(*this, pages[i], piece.block);
      for (std::size_t k = 0; k < run; ++k) bio->add(m_cache.find(pages[i + k])->frame.address(), kPageSize);
      plug.add(std::move(bio));
    }
    i += run;
  }
  plug.flush();
}

void Inode::finish_reading(std::uint64_t first, std::uint64_t count, bool success) {
  m_services.charge(m_services.config.page_read_done, count);
  for (std::uint64_t index = first; index < first + count; ++index) {
    CachedPage* page = m_cache.find(index);
    base::ensure(page != nullptr && page->is(CachedPage::kLocked), "a page stays locked in the cache while it is read");
    if (success) page->set(CachedPage::kUptodate);
    page->clear(CachedPage::kLocked);
  }
  if (success) m_services.statistics.pages_read += count;
  m_cache.wake(m_services.scheduler, first, count);
}

void Inode::unlock_page(std::uint64_t index) {
  m_cache.find(index)->clear(CachedPage::kLocked);
  m_cache.wake(m_services.scheduler, index, 1);
}

void Inode::read_ahead_missing(ReadAheadState& state, std::uint64_t index, std::uint64_t request) {
  if (state.max_pages == 0) return read_exactly(index, 1);
  if (state.random) return read_exactly(index, request);
  const std::uint64_t most_io = m_services.queue.max_request() / kPageSize;
  if (const auto window = decide_read_ahead(state, m_cache, index, request, most_io, false)) {
    start_reading(window->first, window->pages, window->lookahead);
  }
}

void Inode::read_ahead_marked(ReadAheadState& state, CachedPage& page, std::uint64_t index, std::uint64_t request) {
  if (state.max_pages == 0 || page.is(CachedPage::kWriteback)) return;
  page.clear(CachedPage::kReadahead);
  ++m_services.statistics.read_ahead_hits;
  const std::uint64_t most_io = m_services.queue.max_request() / kPageSize;
  if (const auto window = decide_read_ahead(state, m_cache, index, request, most_io, true)) {
    start_reading(window->first, window->pages, window->lookahead);
  }
}

void Inode::read_exactly(std::uint64_t index, std::uint64_t count) {
  const std::uint64_t most = std::max(m_services.queue.max_request(), m_services.config.read_ahead) / kPageSize;
  for (count = std::min(count, std::max<std::uint64_t>(most, 1)); count > 0 && index < size_in_pages();) {
    const std::uint64_t chunk = std::min(count, kForcedChunk);
    start_reading(index, chunk, 0);
    index += chunk;
    count -= chunk;
  }
}

Result<void> Inode::wait_uptodate(std::uint64_t index) {
  for (bool tried = false;;) {
    CachedPage* page = m_cache.find(index);
    if (page == nullptr) return refuse(EAGAIN);
    if (page->is(CachedPage::kUptodate)) return {};
    if (page->is(CachedPage::kLocked)) {
      m_cache.wait(m_services.scheduler, index, "a page of a file");
      continue;
    }
    // Its read failed: once more for this reader, as filemap_read_folio.
    if (tried) return refuse(EIO);
    tried = true;
    page->set(CachedPage::kLocked);
    submit_reads(std::span{&index, 1});
  }
}

Result<void> Inode::preload() {
  auto& back_door = m_services.machine.back_door;
  const std::uint64_t pages = size_in_pages();
  for (std::uint64_t index = 0; index < pages;) {
    const auto piece = m_extents.find(index);
    const std::uint64_t end = std::min(pages, index + std::min(piece.pages, pages));
    const std::uint64_t piece_first = index;
    // Runs of frames that are neighbours in memory are loaded at once.
    std::uint64_t run_first = index;
    Frame run_frame;
    const auto load_run = [&](std::uint64_t run_end) {
      if (run_end == run_first) return;
      const Bytes size = (run_end - run_first) * kPageSize;
      if (piece.hole()) {
        const auto memory = back_door.memory(run_frame.address(), size);
        std::fill(memory.begin(), memory.end(), std::byte{0});
      } else {
        back_door.load_from_disk((piece.block + (run_first - piece_first)) * kPageSize, run_frame.address(), size);
      }
    };
    for (; index < end; ++index) {
      if (m_cache.find(index) != nullptr) {
        load_run(index);
        run_first = index + 1;
        continue;
      }
      if (m_services.frames.free_frames() <= m_services.frames.low_watermark()) {
        load_run(index);
        return refuse(ENOMEM);
      }
      const auto frame = m_services.frames.allocate_at_boot(Place::PageCache);
      if (!frame) {
        load_run(index);
        return refuse(ENOMEM);
      }
      if (index == run_first || frame->number() != run_frame.number() + (index - run_first)) {
        load_run(index);
        run_first = index;
        run_frame = *frame;
      }
      m_cache.insert(index, *frame, CachedPage::kUptodate);
    }
    load_run(end);
  }
  return {};
}

}  // namespace sluice::fs
