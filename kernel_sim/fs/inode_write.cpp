// SPDX-License-Identifier: Apache-2.0
// Into the page cache, and what changes the size.
#include <algorithm>
#include <bit>

#include "kernel_sim/fs/inode.h"

namespace sluice::fs {

namespace {

constexpr std::uint64_t kReservation = (Bytes{1} << 20) / kPageSize;  // blocks set aside for a growing file

}  // namespace

Inode::Inode(Services& services, std::uint32_t number, const format::InodeRecord& on_disk,
             std::vector<format::Extent> extents)
    : overflow_block(on_disk.overflow_block),
      m_services(services),
      m_number(number),
      m_mode(on_disk.mode),
      m_size(on_disk.size),
      m_extents(std::move(extents)),
      m_lock(services.scheduler) {}

Inode::~Inode() {
  for (std::uint64_t index = 0; (index = m_cache.next_cached(index, m_cache.end_index())) < m_cache.end_index();
       ++index) {
    m_services.frames.put_at_shutdown(m_cache.find(index)->frame);
  }
}

/// generic_perform_write: folio by folio.
Result<Bytes> Inode::write(WriteSource& source, Bytes size, std::uint64_t position) {
  if (position >= format::kMaxFileSize) return size == 0 ? Result<Bytes>{0} : refuse(EFBIG);
  size = std::min(size, format::kMaxFileSize - position);
  if (position > m_size) zero_beyond_end();
  const Bytes most = kPageSize << m_services.config.max_folio_order;
  Bytes done = 0;
  int error = 0;
  while (done < size && error == 0) {
    const Bytes at = position + done;
    const Bytes wanted = std::min(most - at % most, size - done);
    // What finds no block is refused before its source is touched (write_begin).
    const std::uint64_t pages = room_from(at / kPageSize, divide_up(at % kPageSize + wanted, kPageSize));
    if (pages == 0) {
      error = ENOSPC;
      break;
    }
    // Faults come now, while no page is locked: the source may be a mapping of this very page.
    const Bytes ready = source.prepare(std::min(wanted, pages * kPageSize - at % kPageSize));
    if (ready == 0) {
      error = EFAULT;
      break;
    }
    const Bytes offset = at % kPageSize;
    const auto target = folio_to_write(at / kPageSize, offset, ready);
    if (!target) {
      error = target.error().value;
      break;
    }
    const Bytes piece = std::min(ready, target->pages * kPageSize - offset);
    const Bytes copied = source.copy_to(target->frame.address() + offset, piece);
    if (target->fresh && copied < piece) {
      abandon_write(*target);
    } else {
      finish_write(*target, divide_up(offset + copied, kPageSize));
      grow_to(at + copied);
      done += copied;
    }
    m_services.frames.put(target->frame);
    if (copied < piece) error = EFAULT;
    balance_dirty_pages();
  }
  if (done == 0 && error != 0) return refuse(error);
  return done;
}

/// Where the next bytes go, blocks for them, and what is written around them: from the disk, or zeroes.
Result<Inode::WriteTarget> Inode::folio_to_write(std::uint64_t index, Bytes offset, Bytes size) {
  const bool whole = offset == 0 && (size >= kPageSize || index * kPageSize + size >= m_size);
  for (;;) {
    CachedPage* page = m_cache.find(index);
    if (page != nullptr && page->is(CachedPage::kLocked)) {
      m_cache.wait(m_services.scheduler, index, "a page of a file");
      continue;
    }
    if (page != nullptr && page->is(CachedPage::kUptodate)) return cached_target(index, offset + size);
    if (!whole && index < size_in_pages() && !m_extents.find(index).hole()) {
      if (page == nullptr) start_reading(index, 1);
      const auto read = wait_uptodate(index);
      if (!read && read.error().value == EAGAIN && m_services.frames.free_frames() == 0) return refuse(ENOMEM);
      if (!read && read.error().value != EAGAIN) return refuse(read.error().value);
      continue;
    }
    auto target = page != nullptr ? WriteTarget{index, 1, page->frame, true} : Result<WriteTarget>{};
    if (page == nullptr) {
      target = new_target(index, size);
      if (!target && target.error().value == EAGAIN) continue;
      if (!target) return target;
    }
    const auto ready = prepare_fresh(*target, offset, size);
    if (ready) return target;
    // No blocks for all of a large folio: those that there are go to smaller ones.
    if (ready.error().value != ENOSPC || target->pages == 1) return refuse(ready.error().value);
    size = kPageSize - offset;
  }
}

/// Pages that are up to date, of one folio, as far as there are blocks for them.
Result<Inode::WriteTarget> Inode::cached_target(std::uint64_t index, Bytes size) {
  const mm::Folio folio = m_cache.folio_of(index);
  WriteTarget target{index, std::min(divide_up(size, kPageSize), folio.end() - index), folio.frame_of(index), false};
  target.pages = m_cache.ready(index, target.pages);
  m_services.frames.get(target.frame);
  m_services.charge(m_services.config.page_write, target.pages);
  if (const auto allocated = allocate_blocks(index, target.pages); !allocated) {
    const auto piece = m_extents.find(index);
    if (piece.hole()) {
      m_services.frames.put(target.frame);
      return refuse(allocated.error().value);
    }
    target.pages = std::min(target.pages, piece.pages);
  }
  return target;
}

/// The order that __filemap_get_folio begins with: no larger than what is written, and aligned.
unsigned Inode::write_order(std::uint64_t index, Bytes size) const {
  const std::uint64_t pages = std::max<std::uint64_t>(size / kPageSize, 1);
  const auto order =
      std::min<unsigned>(m_services.config.max_folio_order, static_cast<unsigned>(std::bit_width(pages) - 1));
  return index == 0 ? order : std::min(order, static_cast<unsigned>(std::countr_zero(index)));
}

/// A new folio in the cache, neither locked nor up to date. EAGAIN when somebody else was faster.
Result<Inode::WriteTarget> Inode::new_target(std::uint64_t index, Bytes size) {
  for (unsigned order = write_order(index, size);; --order) {
    const std::uint64_t pages = std::uint64_t{1} << order;
    if (order > 0 && m_cache.any(index, pages)) continue;
    const auto frame = order > 0 ? m_services.frames.try_allocate(Place::PageCache, order)
                                 : m_services.frames.allocate(Place::PageCache);
    if (!frame && order > 0) continue;
    if (!frame) return refuse(frame.error().value);
    if (m_cache.any(index, pages)) {
      m_services.frames.put(*frame);
      return refuse(EAGAIN);
    }
    add_folio(index, *frame, order, 0);
    return WriteTarget{index, pages, *frame, true};
  }
}

/// Locks the pages, takes a reference for the writer and fills in what is not written. Nothing is left when it fails.
Result<void> Inode::prepare_fresh(const WriteTarget& target, Bytes offset, Bytes size) {
  // Blocks are allocated under the pages' lock, so that nobody reads what they held before.
  for (std::uint64_t i = 0; i < target.pages; ++i) m_cache.find(target.index + i)->set(CachedPage::kLocked);
  m_services.frames.get(target.frame);
  m_services.charge(m_services.config.page_write, target.pages);
  if (const auto allocated = allocate_blocks(target.index, target.pages); !allocated) {
    abandon_write(target);
    m_services.frames.put(target.frame);
    return allocated;
  }
  auto& cpu = m_services.machine.cpu;
  const Bytes end = target.pages * kPageSize;
  if (offset > 0) cpu.zero(target.frame.address(), offset);
  if (offset + size < end) cpu.zero(target.frame.address() + offset + size, end - offset - size);
  return {};
}

/// A fresh page that was never seen by anybody is as if it had not been there.
void Inode::abandon_write(const WriteTarget& target) {
  const mm::Folio folio = m_cache.folio_of(target.index);
  if (folio.pages == target.pages) {
    drop_folio(folio);
  } else {  // its read had failed
    m_cache.find(target.index)->clear(CachedPage::kLocked);
  }
  m_cache.wake(m_services.scheduler, target.index, target.pages);
}

/// The first `written` pages of the target have new contents.
void Inode::finish_write(const WriteTarget& target, std::uint64_t written) {
  if (target.fresh) {
    for (std::uint64_t i = 0; i < target.pages; ++i) {
      CachedPage& page = *m_cache.find(target.index + i);
      page.set(CachedPage::kUptodate);
      page.clear(CachedPage::kLocked);
    }
    m_cache.wake(m_services.scheduler, target.index, target.pages);
  }
  m_cache.head_of(target.index).accessed();
  for (std::uint64_t i = 0; i < written; ++i) mark_dirty(target.index + i);
}

void Inode::grow_to(std::uint64_t size) {
  if (size <= m_size) return;
  m_size = size;
  m_metadata_dirty = true;
}

void Inode::zero_beyond_end() {
  CachedPage* page = m_cache.find(m_size / kPageSize);
  if (!m_was_mapped || m_size % kPageSize == 0 || page == nullptr || !page->is(CachedPage::kUptodate)) return;
  m_services.machine.cpu.zero(page->frame.address() + m_size % kPageSize, kPageSize - m_size % kPageSize);
}

Result<void> Inode::truncate(std::uint64_t size) {
  m_services.charge(m_services.config.truncate);
  if (size > format::kMaxFileSize) return refuse(EFBIG);
  const std::uint64_t old_size = m_size;
  m_metadata_dirty |= size != old_size;
  if (size >= old_size) {
    if (size > old_size) zero_beyond_end();
    m_size = size;
    return {};
  }
  // The last page keeps its beginning and loses the rest; it may have to be read for that.
  const std::uint64_t last = size / kPageSize;
  if (size % kPageSize != 0 && (m_cache.find(last) != nullptr || !m_extents.find(last).hole())) {
    if (m_cache.find(last) == nullptr) start_reading(last, 1);
    if (const auto read = wait_uptodate(last); !read) return refuse(read.error().value == EAGAIN ? ENOMEM : EIO);
    const Frame frame = m_cache.find(last)->frame;
    m_size = size;  // from here on nobody reads what goes
    mark_dirty(last);
    m_services.machine.cpu.zero(frame.address() + size % kPageSize, kPageSize - size % kPageSize);
  }
  m_size = size;
  const std::uint64_t first_gone = divide_up(size, kPageSize);
  unmap(first_gone, ~std::uint64_t{0} - first_gone, true);
  cut_folio(size);
  const bool kept = m_cache.find(first_gone) != nullptr && m_cache.folio_of(first_gone).first < first_gone;
  drop_folios(kept ? m_cache.folio_of(first_gone).end() : first_gone, m_cache.end_index());
  unmap(first_gone, ~std::uint64_t{0} - first_gone, true);  // faults that were under way
  for (const auto& range : m_extents.truncate(first_gone)) m_services.space.give(range);
  release_reservation();
  return {};
}

Result<void> Inode::punch_hole(std::uint64_t first, std::uint64_t end) {
  m_services.charge(m_services.config.truncate);
  end = std::min(end, size_in_pages());
  if (first >= end) return {};
  if (const auto written = wait_for_write_back(first, end); !written) return written;
  unmap(first, end - first, false);
  for (std::uint64_t index = first; (index = m_cache.next_cached(index, end)) < end;) {
    const mm::Folio folio = m_cache.folio_of(index);
    if (folio.first >= first && folio.end() <= end) {
      drop_folios(folio.first, folio.end());
      index = folio.end();
      continue;
    }
    // A part of a folio stays in the cache, as zeroes.
    if (const auto read = wait_uptodate(index); !read) continue;
    m_services.machine.cpu.zero(m_cache.find(index)->frame.address(), kPageSize);
    mark_clean(index++);
  }
  const auto freed = m_extents.punch(first, end);
  if (!freed) return refuse(ENOSPC);
  for (const auto& range : *freed) m_services.space.give(range);
  m_metadata_dirty = true;
  return {};
}

void Inode::drop_use() {
  if (--m_uses == 0 && m_unnamed) m_services.orphans.push_back(m_number);
}

Result<std::uint64_t> Inode::find_data(std::uint64_t offset) const {
  if (offset >= m_size) return refuse(ENXIO);
  const std::uint64_t page = offset / kPageSize;
  const auto piece = m_extents.find(page);
  if (!piece.hole()) return offset;
  if (piece.pages >= size_in_pages() - page) return refuse(ENXIO);
  return (page + piece.pages) * kPageSize;
}

Result<std::uint64_t> Inode::find_hole(std::uint64_t offset) const {
  if (offset >= m_size) return refuse(ENXIO);
  std::uint64_t page = offset / kPageSize;
  for (auto piece = m_extents.find(page); !piece.hole() && page < size_in_pages(); piece = m_extents.find(page))
    page += piece.pages;
  return std::min(m_size, std::max(offset, page * kPageSize));  // the end of a file is a hole
}

/// truncate_inode_partial_folio: the folio in which the file ends now is zeroed from there on and split, so that what
/// lies behind the end can go. When somebody else holds a part of it, it stays whole.
void Inode::cut_folio(std::uint64_t size) {
  const std::uint64_t at = size / kPageSize;
  const std::uint64_t first_gone = divide_up(size, kPageSize);
  if (m_cache.find(at) == nullptr || m_cache.folio_of(at).first * kPageSize == size) return;
  for (std::uint64_t i = m_cache.folio_of(at).first; m_cache.find(at) != nullptr && i < m_cache.folio_of(at).end();) {
    if (m_cache.find(i)->is(CachedPage::kLocked) || m_cache.find(i)->is(CachedPage::kWriteback)) {
      m_cache.wait(m_services.scheduler, i, "a page of a file");
    } else {
      ++i;
    }
  }
  if (m_cache.find(at) == nullptr) return;
  const mm::Folio folio = m_cache.folio_of(at);
  if (folio.pages == 1) return;
  m_services.frames.get(folio.frame);  // it stays while time passes
  for (std::uint64_t i = first_gone; i < folio.end(); ++i) mark_clean(i);
  if (first_gone < folio.end()) {
    m_services.machine.cpu.zero(folio.frame_of(first_gone).address(), (folio.end() - first_gone) * kPageSize);
  }
  unmap(folio.first, folio.pages, false);
  m_services.frames.put(folio.frame);
  while (m_cache.folio_of(at).pages > 1 && m_services.frames.halve(m_cache.folio_of(at).frame)) m_cache.halve(at);
}

Result<void> Inode::allocate_blocks(std::uint64_t first, std::uint64_t count) {
  for (std::uint64_t page = first; page < first + count; ++page) {
    if (m_extents.find(page).hole()) m_services.charge(m_services.config.allocate_block);
    const auto piece = m_extents.find(page);  // charging took time
    if (!piece.hole()) {
      page += piece.pages - 1;
      continue;
    }
    const auto block = take_block(page, first + count - page);
    if (!block) return refuse(block.error().value);
    if (!m_extents.add(page, *block)) {
      m_services.space.give({*block, 1});
      return refuse(ENOSPC);
    }
    m_metadata_dirty = true;
  }
  return {};
}

Result<std::uint64_t> Inode::take_block(std::uint64_t page, std::uint64_t wanted) {
  const std::uint64_t goal = m_extents.goal_for(page);
  if (m_reservation.count == 0 || (goal != 0 && m_reservation.first != goal)) {
    release_reservation();
    // Room for a growing file, so that files written at the same time do not interleave block by block.
    const std::uint64_t most = std::max(wanted, page >= size_in_pages() ? kReservation : 1);
    auto taken = m_services.space.take(goal, most);
    if (!taken) {
      m_services.release_reservations();  // what other files have set aside
      taken = m_services.space.take(goal, most);
    }
    if (!taken) return refuse(ENOSPC);
    m_reservation = *taken;
  }
  --m_reservation.count;
  return m_reservation.first++;
}

/// How many of the wanted pages, one after another, have a block or could get one.
std::uint64_t Inode::room_from(std::uint64_t page, std::uint64_t wanted) const {
  if (m_reservation.count + m_services.space.free_blocks(wanted) >= wanted) return wanted;
  m_services.release_reservations();
  std::uint64_t free = m_services.space.free_blocks(wanted);
  std::uint64_t room = 0;
  while (room < wanted) {
    const auto piece = m_extents.find(page + room);
    std::uint64_t pages = std::min(piece.pages, wanted - room);
    if (piece.hole()) {
      pages = std::min(pages, free);
      free -= pages;
    }
    if (pages == 0) break;
    room += pages;
  }
  return room;
}

void Inode::release_reservation() {
  m_services.space.give(m_reservation);
  m_reservation = {};
}

/// balance_dirty_pages: the flusher is woken early; a writer that is far ahead of it writes back itself.
void Inode::balance_dirty_pages() {
  const auto& config = m_services.config;
  const std::uint64_t memory = m_services.frames.total_frames();
  if (m_services.dirty_pages <= config.dirty_background.of(memory)) return;
  m_services.scheduler.wake_all(m_services.flusher);
  if (m_services.dirty_pages <= config.dirty_limit.of(memory)) return;
  start_write_back(0, m_cache.end_index());
  const auto result = wait_for_write_back(0, m_cache.end_index());
  if (!result) m_write_error = result.error().value;  // fsync reports it
}

}  // namespace sluice::fs
