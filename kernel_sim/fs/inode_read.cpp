// SPDX-License-Identifier: Apache-2.0
// From the disk into the page cache.
#include <algorithm>
#include <array>

#include "kernel_sim/fs/inode.h"

namespace sluice::fs {

namespace {

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

void Inode::start_reading(std::uint64_t first, std::uint64_t count) { start_window({first, count, 0, 0}); }

void Inode::start_window(const ReadAheadWindow& window) {
  if (window.first >= size_in_pages()) return;
  ++m_services.statistics.read_ahead_windows;
  m_services.charge(m_services.config.read_ahead_submit);
  Filling filling{[this](unsigned order) {
                    return order > 0 ? m_services.frames.try_allocate(Place::PageCache, order)
                                     : m_services.frames.allocate(Place::PageCache);
                  },
                  CachedPage::kLocked,
                  {},
                  0};
  filling.pages.reserve(window.pages);
  insert_window(window, filling);
  m_services.charge(m_services.config.page_insert, filling.folios);
  submit_reads(filling.pages);
}

/// page_cache_ra_order: folios as large as the window says, as long as nothing of it is cached; then single pages.
void Inode::insert_window(const ReadAheadWindow& window, Filling& filling) {
  const std::uint64_t done = window.order > 0 ? insert_folios(window, filling) : window.first;
  insert_gaps(done, window.first + window.pages, window.lookahead, filling);
}

/// Up to the end of the window or of the file, or to a page that is cached, or until memory has no such blocks; returns
/// how far it came.
std::uint64_t Inode::insert_folios(const ReadAheadWindow& window, Filling& filling) {
  const std::uint64_t end = std::min(window.first + window.pages, size_in_pages());
  const std::uint64_t marker = window.first + window.pages - window.lookahead;
  std::uint64_t index = window.first;
  while (index < end) {
    const unsigned order = read_ahead_order(index, end, window.order);
    if (!insert_folio(index, order, marker >> order << order == index, filling)) break;
    index += std::uint64_t{1} << order;
  }
  return index;
}

/// page_cache_ra_unbounded: single pages where there is none yet.
void Inode::insert_gaps(std::uint64_t first, std::uint64_t end, std::uint64_t lookahead, Filling& filling) {
  end = std::min(end, size_in_pages());
  // The marker's place counts from the end as clipped to the file (do_page_cache_ra).
  const std::uint64_t marker = lookahead > 0 && first + lookahead <= end ? end - lookahead : ~std::uint64_t{0};
  for (std::uint64_t index = first; index < end; ++index) {
    if (m_cache.find(index) != nullptr) continue;
    if (!insert_folio(index, 0, index == marker, filling) && m_cache.find(index) == nullptr) break;
  }
}

/// False when there is no memory or somebody was faster.
bool Inode::insert_folio(std::uint64_t index, unsigned order, bool marker, Filling& filling) {
  const std::uint64_t count = std::uint64_t{1} << order;
  const auto frame = filling.take(order);
  if (!frame) return false;
  if (m_cache.any(index, count)) {
    m_services.frames.put(*frame);
    return false;
  }
  CachedPage& head = add_folio(index, *frame, order, filling.flags);
  if (marker) head.set(CachedPage::kReadahead);
  for (std::uint64_t i = 0; i < count; ++i) filling.pages.push_back(index + i);
  ++filling.folios;
  return true;
}

/// Into the cache, which holds a reference for each page (filemap_add_folio). Takes over the one on `frame`.
CachedPage& Inode::add_folio(std::uint64_t index, Frame frame, unsigned order, unsigned flags) {
  if (order > 0) m_services.frames.get(frame, (1U << order) - 1);
  return m_cache.insert(index, frame, order, flags);
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
  m_services.charge(m_services.config.page_read_done, folios_in(first, count));
  for (std::uint64_t index = first; index < first + count; ++index) {
    CachedPage* page = m_cache.find(index);
    base::ensure(page != nullptr && page->is(CachedPage::kLocked), "a page stays locked in the cache while it is read");
    if (success) page->set(CachedPage::kUptodate);
    page->clear(CachedPage::kLocked);
  }
  if (success) m_services.statistics.pages_read += count;
  m_cache.wake(m_services.scheduler, first, count);
}

std::uint64_t Inode::folios_in(std::uint64_t first, std::uint64_t count) {
  std::uint64_t folios = 0;
  for (std::uint64_t index = first; index < first + count; index = m_cache.folio_of(index).end()) ++folios;
  return folios;
}

void Inode::unlock_page(std::uint64_t index) {
  m_cache.find(index)->clear(CachedPage::kLocked);
  m_cache.wake(m_services.scheduler, index, 1);
}

ReadAheadLimits Inode::read_ahead_limits() const {
  return {m_services.queue.max_request() / kPageSize, m_services.config.max_folio_order};
}

void Inode::read_ahead_missing(ReadAheadState& state, std::uint64_t index, std::uint64_t request) {
  if (state.max_pages == 0) return read_exactly(index, 1);
  if (state.random) return read_exactly(index, request);
  start_window(read_ahead_of_missing(state, m_cache, index, request, read_ahead_limits()));
}

void Inode::read_ahead_marked(ReadAheadState& state, std::uint64_t index, std::uint64_t request) {
  const mm::Folio folio = m_cache.folio_of(index);
  CachedPage& head = *m_cache.find(folio.first);
  if (state.max_pages == 0 || head.is(CachedPage::kWriteback)) return;
  head.clear(CachedPage::kReadahead);
  ++m_services.statistics.read_ahead_hits;
  if (const auto window = read_ahead_of_marked(state, m_cache, index, folio.pages, request, read_ahead_limits())) {
    start_window(*window);
  }
}

void Inode::read_around(ReadAheadState& state, std::uint64_t index) {
  state.start = index > state.max_pages / 2 ? index - state.max_pages / 2 : 0;
  state.size = state.max_pages;
  state.async_size = state.max_pages / 4;
  state.order = 0;
  start_window(current_window(state, read_ahead_limits()));
}

void Inode::read_exactly(std::uint64_t index, std::uint64_t count) {
  const std::uint64_t most = std::max(m_services.queue.max_request(), m_services.config.read_ahead) / kPageSize;
  for (count = std::min(count, std::max<std::uint64_t>(most, 1)); count > 0 && index < size_in_pages();) {
    const std::uint64_t chunk = std::min(count, kForcedChunk);
    start_reading(index, chunk);
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

Result<void> Inode::preload(const std::function<void(PhysAddr)>& loaded, Bytes size) {
  size = std::min(size, m_size);
  const Bytes call = m_services.config.preload_call_size;
  const auto take = [this](unsigned order) -> Result<Frame> {
    if (m_services.frames.free_frames() < m_services.frames.low_watermark() + (1U << order)) return refuse(ENOMEM);
    return m_services.frames.allocate_at_boot(Place::PageCache, order);
  };
  Filling filling{take, CachedPage::kUptodate, {}, 0};
  ReadAheadState state;
  state.max_pages = m_services.config.read_ahead / kPageSize;
  for (Bytes position = 0; position < size; position += call) {
    const Bytes end = std::min(position + call, size);
    const auto done = m_services.config.preload_written
                          ? preload_write(position, end, filling)
                          : preload_read(position / kPageSize, divide_up(end, kPageSize), state, filling);
    for (const auto index : filling.pages) {
      load_page(index);
      if (loaded) loaded(m_cache.find(index)->frame.address());
    }
    filling.pages.clear();
    if (!done) return done;
    state.previous_position = static_cast<std::int64_t>(end);
  }
  return {};
}

/// The windows that reading pages [index, end) would bring in.
Result<void> Inode::preload_read(std::uint64_t index, std::uint64_t end, ReadAheadState& state, Filling& filling) {
  const auto limits = read_ahead_limits();
  while (index < end) {
    if (m_cache.find(index) == nullptr) {
      const auto window = state.max_pages > 0 ? read_ahead_of_missing(state, m_cache, index, end - index, limits)
                                              : ReadAheadWindow{index, 1, 0, 0};
      insert_window(window, filling);
      if (m_cache.find(index) == nullptr && !insert_folio(index, 0, false, filling)) return refuse(ENOMEM);
    }
    const mm::Folio folio = m_cache.folio_of(index);
    CachedPage& head = *m_cache.find(folio.first);
    if (head.is(CachedPage::kReadahead)) {
      head.clear(CachedPage::kReadahead);
      const auto window = read_ahead_of_marked(state, m_cache, folio.first, folio.pages, end - folio.first, limits);
      if (window) insert_window(*window, filling);
    }
    index = folio.end();
  }
  return {};
}

/// The folios that writing bytes [position, end) would make.
Result<void> Inode::preload_write(Bytes position, Bytes end, Filling& filling) {
  while (position < end) {
    const std::uint64_t index = position / kPageSize;
    if (m_cache.find(index) == nullptr) {
      unsigned order = write_order(index, end - position);
      while (m_cache.any(index, std::uint64_t{1} << order)) --order;
      if (!insert_folio(index, order, false, filling)) return refuse(ENOMEM);
    }
    position = m_cache.folio_of(index).end() * kPageSize;
  }
  return {};
}

/// Without time: what the disk holds for the page.
void Inode::load_page(std::uint64_t index) {
  auto& back_door = m_services.machine.back_door;
  const PhysAddr at = m_cache.find(index)->frame.address();
  const auto piece = m_extents.find(index);
  if (!piece.hole()) return back_door.load_from_disk(m_services.disk, piece.block * kPageSize, at, kPageSize);
  const auto memory = back_door.memory(at, kPageSize);
  std::fill(memory.begin(), memory.end(), std::byte{0});
}

}  // namespace sluice::fs
