// SPDX-License-Identifier: Apache-2.0
// Into the page cache, and what changes the size.
#include <algorithm>

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
    m_services.frames.put_at_shutdown(m_cache.erase(index));
  }
}

/// generic_perform_write.
Result<Bytes> Inode::write(WriteSource& source, Bytes size, std::uint64_t position) {
  if (position >= format::kMaxFileSize) return size == 0 ? Result<Bytes>{0} : refuse(EFBIG);
  size = std::min(size, format::kMaxFileSize - position);
  if (position > m_size) zero_beyond_end();
  Bytes done = 0;
  int error = 0;
  while (done < size) {
    const std::uint64_t index = (position + done) / kPageSize;
    const Bytes offset = (position + done) % kPageSize;
    const Bytes piece = std::min(kPageSize - offset, size - done);
    // Faults come now, while no page is locked: the source may be a mapping of this very page.
    if (!source.prepare(piece)) {
      error = EFAULT;
      break;
    }
    bool fresh = false;
    const auto frame = page_to_write(index, offset, piece, fresh);
    if (!frame) {
      error = frame.error().value;
      break;
    }
    const Bytes copied = source.copy_to(frame->address() + offset, piece);
    if (fresh && copied < piece) {  // never seen by anybody: as if it had not been there
      m_services.frames.put(m_cache.erase(index));
      m_cache.wake(m_services.scheduler, index, 1);
    } else {
      CachedPage* page = m_cache.find(index);
      if (fresh) {
        page->set(CachedPage::kUptodate);
        unlock_page(index);
      }
      page->accessed();
      if (copied > 0) mark_dirty(index);
      grow_to(position + done + copied);
      done += copied;
    }
    m_services.frames.put(*frame);
    if (copied < piece) {
      error = EFAULT;
      break;
    }
    balance_dirty_pages();
  }
  if (done == 0 && error != 0) return refuse(error);
  return done;
}

/// The page with one reference for the caller, blocks for it, and what is written around the piece: from the disk, or
/// zeroes. `fresh`: it is not up to date yet and locked.
Result<Frame> Inode::page_to_write(std::uint64_t index, Bytes offset, Bytes size, bool& fresh) {
  m_services.charge(m_services.config.page_write);
  const bool whole = offset == 0 && (size == kPageSize || index * kPageSize + size >= m_size);
  for (;;) {
    CachedPage* page = m_cache.find(index);
    if (page != nullptr && page->is(CachedPage::kLocked)) {
      m_cache.wait(m_services.scheduler, index, "a page of a file");
      continue;
    }
    if (page != nullptr && page->is(CachedPage::kUptodate)) {
      const Frame frame = page->frame;
      m_services.frames.get(frame);
      if (const auto allocated = allocate_blocks(index, 1); !allocated) {
        m_services.frames.put(frame);
        return refuse(allocated.error().value);
      }
      return frame;
    }
    if (!whole && index < size_in_pages() && !m_extents.find(index).hole()) {
      if (page == nullptr) start_reading(index, 1, 0);
      const auto read = wait_uptodate(index);
      if (!read && read.error().value == EAGAIN && m_services.frames.free_frames() == 0) return refuse(ENOMEM);
      if (!read && read.error().value != EAGAIN) return refuse(read.error().value);
      continue;
    }
    if (page == nullptr) {
      const auto frame = m_services.frames.allocate(Place::PageCache);
      if (!frame) return frame;
      if (m_cache.find(index) != nullptr) {
        m_services.frames.put(*frame);
        continue;
      }
      page = &m_cache.insert(index, *frame, 0);
    }
    // A block is allocated under the page's lock, so that nobody reads what it held before.
    page->set(CachedPage::kLocked);
    const Frame frame = page->frame;
    if (const auto allocated = allocate_blocks(index, 1); !allocated) {
      m_services.frames.put(m_cache.erase(index));
      m_cache.wake(m_services.scheduler, index, 1);
      return refuse(allocated.error().value);
    }
    m_services.frames.get(frame);
    fresh = true;
    if (offset > 0) m_services.machine.cpu.zero(frame.address(), offset);
    if (offset + size < kPageSize)
      m_services.machine.cpu.zero(frame.address() + offset + size, kPageSize - offset - size);
    return frame;
  }
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
  zero_beyond_end();
  const std::uint64_t old_size = m_size;
  m_metadata_dirty |= size != old_size;
  if (size >= old_size) {
    m_size = size;
    return {};
  }
  // The last page keeps its beginning and loses the rest; it may have to be read for that.
  const std::uint64_t last = size / kPageSize;
  if (size % kPageSize != 0 && (m_cache.find(last) != nullptr || !m_extents.find(last).hole())) {
    if (m_cache.find(last) == nullptr) start_reading(last, 1, 0);
    if (const auto read = wait_uptodate(last); !read) return refuse(read.error().value == EAGAIN ? ENOMEM : EIO);
    const Frame frame = m_cache.find(last)->frame;
    m_size = size;  // from here on nobody reads what goes
    mark_dirty(last);
    m_services.machine.cpu.zero(frame.address() + size % kPageSize, kPageSize - size % kPageSize);
  }
  m_size = size;
  const std::uint64_t first_gone = divide_up(size, kPageSize);
  unmap(first_gone, ~std::uint64_t{0} - first_gone, true);
  drop_pages(first_gone, m_cache.end_index());
  unmap(first_gone, ~std::uint64_t{0} - first_gone, true);  // faults that were under way
  for (const auto& range : m_extents.truncate(first_gone)) m_services.space.give(range);
  release_reservation();
  return {};
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
    const auto taken = m_services.space.take(goal, std::max(wanted, page >= size_in_pages() ? kReservation : 1));
    if (!taken) return refuse(ENOSPC);
    m_reservation = *taken;
  }
  --m_reservation.count;
  return m_reservation.first++;
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
