// SPDX-License-Identifier: Apache-2.0
// mremap (mm/mremap.c) and brk (mm/mmap.c).
#include <algorithm>

#include <sys/mman.h>

#include "kernel_sim/mm/address_space_state.h"

namespace sluice::mm {

namespace {

#ifndef MREMAP_DONTUNMAP
constexpr int MREMAP_DONTUNMAP = 4;
#endif
constexpr int kHasPlace = MREMAP_FIXED | MREMAP_DONTUNMAP;  // the caller says where to

}  // namespace

/// What mremap is asked for, in pages.
struct AddressSpace::Remap {
  std::uint64_t from = 0;
  std::uint64_t old_pages = 0;
  std::uint64_t new_pages = 0;
  int flags = 0;
  std::uint64_t to = 0;
};

/// The order of checks is that of check_mremap_params.
Result<VirtAddr> AddressSpace::remap(VirtAddr at, Bytes old_size, Bytes new_size, int flags, VirtAddr to) {
  auto& s = *m_state;
  s.machine.cpu.execute(s.config.remap_region, hal::Work::Mapping);
  old_size = round_up(old_size, kPageSize);  // to 0 beyond all addresses, as PAGE_ALIGN
  new_size = round_up(new_size, kPageSize);
  if ((flags & ~(MREMAP_MAYMOVE | kHasPlace)) != 0 || at.page_offset() != 0) return refuse(EINVAL);
  if (new_size == 0 || new_size > mmu::kUserEnd) return refuse(EINVAL);
  if ((flags & kHasPlace) != 0) {
    if (to.value() > mmu::kUserEnd - new_size || to.page_offset() != 0) return refuse(EINVAL);
    if ((flags & MREMAP_MAYMOVE) == 0) return refuse(EINVAL);
    if ((flags & MREMAP_DONTUNMAP) != 0 && old_size != new_size) return refuse(EINVAL);
    if (at.value() + old_size > to.value() && to.value() + new_size > at.value()) return refuse(EINVAL);
  }
  const Remap remap{at.page_number(), old_size / kPageSize, new_size / kPageSize, flags, to.page_number()};
  const bool only_moves = (flags & MREMAP_FIXED) != 0 && old_size == new_size;
  const auto moved = only_moves ? remap_all(remap) : remap_one(remap);
  if (!moved) return refuse(moved.error().value);
  return VirtAddr{*moved << kPageShift};
}

/// remap_move: since Linux 6.17 all regions of a range move at once, and the gaps between them stay.
Result<std::uint64_t> AddressSpace::remap_all(const Remap& remap) {
  const auto& s = *m_state;
  const std::uint64_t end = remap.from + remap.old_pages;
  std::optional<std::uint64_t> moved;
  std::uint64_t to = remap.to;
  std::uint64_t last_end = 0;
  for (std::uint64_t page = remap.from; page < end;) {
    const Region* region = m_state->find(page);
    if (region == nullptr) {
      const auto above = s.regions.upper_bound(page);
      if (above == s.regions.end() || above->first >= end) break;
      region = &above->second;
    }
    const std::uint64_t first = std::max(page, region->first);
    if (!moved && first > remap.from) return refuse(EFAULT);
    if (moved) to += region->first - last_end;
    last_end = region->end;
    const std::uint64_t pages = std::min(end, region->end) - first;
    const auto one = remap_one({first, pages, pages, remap.flags, to});
    if (!one) return one;
    if (!moved) moved = *one;
    to = *one + pages;
    page = first + pages;
  }
  if (!moved) return refuse(EFAULT);
  return *moved;
}

/// check_prep_vma, and what is done then.
Result<std::uint64_t> AddressSpace::remap_one(const Remap& remap) {
  const auto& s = *m_state;
  const Region* region = m_state->find(remap.from);
  if (region == nullptr) return refuse(EFAULT);
  const bool has_place = (remap.flags & kHasPlace) != 0;
  const bool grows = remap.new_pages > remap.old_pages;
  if (grows || has_place) {
    if (remap.old_pages == 0 && !region->shared) return refuse(EINVAL);  // only what is shared can be there twice
    // What shrinks may reach beyond the region, as munmap may.
    if (std::min(remap.old_pages, remap.new_pages) > region->end - remap.from) return refuse(EFAULT);
    if (grows && region->locked && s.locked_pages + remap.new_pages - remap.old_pages > kLockLimit)
      return refuse(EAGAIN);
  }
  if (has_place) return remap_to(remap);
  if (grows) return expand(remap);
  if (const auto done = shrink(remap); !done) return refuse(done.error().value);
  return remap.from;
}

Result<void> AddressSpace::shrink(const Remap& remap) {
  if (remap.new_pages >= remap.old_pages) return {};
  const std::uint64_t first = remap.from + remap.new_pages;
  const std::uint64_t end = remap.from + remap.old_pages;
  if (end > kUserPages || end < first) return refuse(EINVAL);
  remove_pages(first, end);
  return {};
}

Result<std::uint64_t> AddressSpace::remap_to(Remap remap) {
  auto& s = *m_state;
  const bool fixed = (remap.flags & MREMAP_FIXED) != 0;
  // What is there goes first, even if the move is refused then.
  if (fixed) remove_pages(remap.to, remap.to + remap.new_pages);
  // A region that was to be there twice, the second time where it begins.
  if (s.find(remap.from) == nullptr) return refuse(EFAULT);
  if (const auto done = shrink(remap); !done) return refuse(done.error().value);
  remap.old_pages = std::min(remap.old_pages, remap.new_pages);
  const Region& region = *s.find(remap.from);
  const std::optional<std::uint64_t> file_page =
      region.object ? std::optional{region.index_of(remap.from)} : std::nullopt;
  const auto place =
      find_place(VirtAddr{remap.to << kPageShift}, remap.new_pages << kPageShift, fixed ? MAP_FIXED : 0, file_page);
  if (!place) return refuse(place.error().value);
  return move_region(remap, place->page_number());
}

/// expand_vma: where it is if there is room, else somewhere else if that is allowed.
Result<std::uint64_t> AddressSpace::expand(const Remap& remap) {
  auto& s = *m_state;
  Region& region = *s.find(remap.from);
  const std::uint64_t end = remap.from + remap.new_pages;
  if (remap.from + remap.old_pages == region.end && end <= kUserPages && !s.overlaps(region.end, end)) {
    const std::uint64_t before = region.end;
    const bool locked = region.locked;
    const bool write = !region.shared && (region.protection & PROT_WRITE) != 0;
    extend_region(region, end);
    if (locked) populate(before, end, write ? hal::Access::Write : hal::Access::Read);
    return remap.from;
  }
  if ((remap.flags & MREMAP_MAYMOVE) == 0) return refuse(ENOMEM);
  const std::optional<std::uint64_t> file_page =
      region.object ? std::optional{region.index_of(remap.from)} : std::nullopt;
  const auto place = find_place(VirtAddr{}, remap.new_pages << kPageShift, 0, file_page);
  if (!place) return refuse(place.error().value);
  return move_region(remap, place->page_number());
}

void AddressSpace::extend_region(Region& region, std::uint64_t end) {
  auto& s = *m_state;
  s.gaps.occupy(region.end, end);
  if (region.locked) s.locked_pages += end - region.end;
  region.end = end;
  s.join(end);
}

/// move_vma.
Result<std::uint64_t> AddressSpace::move_region(const Remap& remap, std::uint64_t to) {
  auto& s = *m_state;
  const Span old{remap.from, remap.from + remap.old_pages};
  Region moved = *s.find(remap.from);
  moved.object_first = moved.index_of(remap.from);
  moved.first = to;
  moved.end = to + remap.new_pages;
  // Untouched memory is as if it had been mapped there (copy_vma).
  if (moved.object == nullptr && moved.anonymous == 0) moved.object_first = to;
  const bool locked = moved.locked;
  const bool write = !moved.shared && (moved.protection & PROT_WRITE) != 0;
  if (const auto done = move_pages(old, to); !done) return refuse(done.error().value);
  if ((remap.flags & MREMAP_DONTUNMAP) != 0) {
    Region& left = *s.find(remap.from);
    if (left.locked) s.locked_pages -= left.pages();
    left.locked = false;
    if (left.first == old.first && left.end == old.end) left.anonymous = 0;
  } else if (old.pages() > 0) {
    remove_pages(old.first, old.end);
  }
  add_region(std::move(moved));
  s.merge_around(to, to + remap.new_pages);
  if (locked) populate(to, to + remap.new_pages, write ? hal::Access::Write : hal::Access::Read);
  return to;
}

/// move_page_tables: the pages of the span are named at `to` from now on, each with the reference that it had.
Result<void> AddressSpace::move_pages(Span span, std::uint64_t to) {
  auto& s = *m_state;
  struct Moved {
    std::uint64_t page;
    std::uint64_t entry;
  };
  std::vector<Moved> pages;
  std::vector<Frame> forgotten;
  s.table->update(span.first, span.end, [&](std::uint64_t page, std::uint64_t& entry) {
    // A large page is a file's, and not moved in parts: its pages fault again.
    if ((entry & mmu::pte::kLargePage) != 0) {
      forgotten.push_back(Frame::of(mmu::entry_target(entry)));
    } else {
      pages.push_back({page, entry});
    }
    entry = 0;
  });
  s.machine.cpu.execute(s.config.remap_page * pages.size(), hal::Work::Mapping);
  if (!pages.empty() || !forgotten.empty()) s.flush_tlb(span.first, span.pages());
  for (const auto frame : forgotten) s.frames.put(frame);
  for (std::size_t i = 0; i < pages.size(); ++i) {
    if (s.table->set(to + (pages[i].page - span.first), pages[i].entry)) continue;
    // No memory for a table: all go back to where they were, whose tables are still there.
    for (std::size_t k = 0; k < pages.size(); ++k) {
      if (k < i) static_cast<void>(s.table->set(to + (pages[k].page - span.first), 0));
      static_cast<void>(s.table->set(pages[k].page, pages[k].entry));
    }
    return refuse(ENOMEM);
  }
  std::vector<std::uint64_t> guards(s.guards.lower_bound(span.first), s.guards.lower_bound(span.end));
  for (const std::uint64_t page : guards) {
    s.guards.erase(page);
    s.guards.insert(to + (page - span.first));
  }
  return {};
}

// --- brk -------------------------------------------------------------------------------------------------------------

VirtAddr AddressSpace::set_break(VirtAddr end) {
  auto& s = *m_state;
  s.machine.cpu.execute(s.config.map_region, hal::Work::Mapping);
  if (end.value() < kHeapFirst << kPageShift || end.value() > mmu::kUserEnd) return s.heap_end;
  const std::uint64_t before = divide_up(s.heap_end.value(), kPageSize);
  const std::uint64_t after = divide_up(end.value(), kPageSize);
  if (after < before) {
    // What lies at the end must be the heap's: somebody may have unmapped it.
    const Region* last = s.find(before - 1);
    if (last == nullptr) return s.heap_end;
    remove_pages(after, before);
  } else if (after > before) {
    // One page stays free, and the gap below what grows down.
    const auto above = s.regions.lower_bound(before);
    if (s.overlaps(before, std::min(after, kUserPages)) || after >= kUserPages) return s.heap_end;
    if (above != s.regions.end()) {
      const std::uint64_t gap = above->second.grows_down ? kStackGuardGap : 0;
      if (after + 1 > above->first - std::min(gap, above->first)) return s.heap_end;
    }
    Region heap;
    heap.first = heap.object_first = before;
    heap.end = after;
    heap.protection = PROT_READ | PROT_WRITE;
    heap.allowed = PROT_READ | PROT_WRITE | PROT_EXEC;
    heap.accounted = true;
    add_region(std::move(heap));
    s.join(before);
  }
  s.heap_end = end;
  return end;
}

}  // namespace sluice::mm
