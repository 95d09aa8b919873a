// SPDX-License-Identifier: Apache-2.0
// Page faults, in the order in which Linux's handle_mm_fault decides (mm/memory.c).
#include <algorithm>
#include <array>
#include <utility>

#include <sys/mman.h>

#include "kernel_sim/mm/address_space_state.h"

namespace sluice::mm {

namespace pte = mmu::pte;

FaultOutcome AddressSpace::handle_fault(const hal::PageFault& fault) {
  m_state->machine.cpu.execute(m_state->config.fault_entry, hal::Work::Mapping);
  if (fault.address.value() >= mmu::kUserEnd) return FaultOutcome::SegmentationFault;
  const std::uint64_t page = fault.address.page_number();
  if (m_state->find(page) == nullptr) grow_down_to(page);
  return fault_in(page, fault.access);
}

FaultOutcome AddressSpace::fault_in(std::uint64_t page, hal::Access access) {
  auto& s = *m_state;
  const Region* region = s.find(page);
  if (region == nullptr) return FaultOutcome::SegmentationFault;
  const int needed = access == hal::Access::Write     ? PROT_WRITE
                     : access == hal::Access::Execute ? PROT_EXEC
                                                      : PROT_READ | PROT_WRITE | PROT_EXEC;
  if ((region->protection & needed) == 0 || s.guards.contains(page)) return FaultOutcome::SegmentationFault;

  const bool write = access == hal::Access::Write;
  const Region copy = *region;  // regions may change while a page is being read in
  const std::uint64_t entry = s.table->entry(page);
  const bool protection = (entry & pte::kPresent) != 0 && write && (entry & pte::kWritable) == 0;
  if (protection && (entry & pte::kLargePage) != 0) {
    s.forget_large(page);  // wp_huge_pmd: and as if nothing had been mapped there
  } else if (protection) {
    return s.write_to_protected(copy, page, entry);
  } else if ((entry & pte::kPresent) != 0) {
    s.flush_tlb(page, 1);  // an old translation, more restrictive than the table
    return FaultOutcome::Resolved;
  }
  return copy.object ? s.object_fault(copy, page, write) : s.anonymous_fault(copy, page, write);
}

FaultOutcome AddressSpace::State::anonymous_fault(const Region& region, std::uint64_t page, bool write) {
  const auto frame = write ? zeroed_page() : frames.zero_page();
  if (!frame) return FaultOutcome::OutOfMemory;
  ++counts.minor;
  return map_page(page, *frame, write ? bits_of(region, true) | kAnonymousBit : bits_of(region, false));
}

Result<Frame> AddressSpace::State::zeroed_page() {
  const auto frame = frames.allocate(Place::UserBuffer);
  if (!frame) return frame;
  machine.cpu.execute(config.private_page, hal::Work::Frames);
  machine.cpu.zero(frame->address(), kPageSize);
  return frame;
}

FaultOutcome AddressSpace::State::object_fault(const Region& region, std::uint64_t page, bool write) {
  if (!write && fault_around(region, page)) {
    ++counts.minor;
    return FaultOutcome::Resolved;
  }
  bool major = false;
  const std::uint64_t index = region.index_of(page);
  const auto cached = region.object->fault_page({index, write && region.shared, region.advice}, major);
  if (!cached) return cached.error().value == ENOMEM ? FaultOutcome::OutOfMemory : FaultOutcome::BusError;
  ++(major ? counts.major : counts.minor);
  if (!write) return map_folio(region, page, *cached, bits_of(region, false));
  if (region.shared) {
    if (!region.object->page_dirtied(index)) {  // page_mkwrite
      frames.put(cached->frame);
      return FaultOutcome::BusError;
    }
    return map_folio(region, page, *cached, bits_of(region, true) | pte::kDirty);
  }
  const auto copy = private_copy(cached->frame_of(index));
  frames.put(cached->frame);
  if (!copy) return FaultOutcome::OutOfMemory;
  return map_page(page, *copy, bits_of(region, true) | kAnonymousBit);
}

/// do_wp_page: an anonymous page that nobody else holds is used again, any other private page is copied.
FaultOutcome AddressSpace::State::write_to_protected(const Region& region, std::uint64_t page, std::uint64_t entry) {
  const Frame frame = Frame::of(mmu::entry_target(entry));
  ++counts.minor;
  if (region.shared) {
    if (!region.object->page_dirtied(region.index_of(page))) return FaultOutcome::BusError;
    charge_mapping(1);
    // Truncated meanwhile: the access is tried again and faults anew.
    if (table->entry(page) != entry) return FaultOutcome::Resolved;
    if (!table->set(page, entry | pte::kWritable | pte::kDirty)) return FaultOutcome::OutOfMemory;
    flush_tlb(page, 1);
    return FaultOutcome::Resolved;
  }
  if ((entry & kAnonymousBit) != 0 && ((entry & kMaybeSharedBit) == 0 || frames.references(frame) == 1)) {
    if (!table->set(page, (entry & ~kMaybeSharedBit) | pte::kWritable)) return FaultOutcome::OutOfMemory;
    charge_mapping(1);
    flush_tlb(page, 1);
    return FaultOutcome::Resolved;
  }
  frames.get(frame);  // the page stays while it is copied, whoever truncates its file meanwhile
  const auto copy = frames.is_zero_page(frame) ? zeroed_page() : private_copy(frame);
  frames.put(frame);
  if (!copy) return FaultOutcome::OutOfMemory;
  charge_mapping(1);
  if (table->entry(page) != entry) {
    frames.put(*copy);
    return FaultOutcome::Resolved;
  }
  note_anonymous(page);
  if (!table->set(page, copy->address().value() | bits_of(region, true) | kAnonymousBit)) {
    frames.put(*copy);
    return FaultOutcome::OutOfMemory;
  }
  flush_tlb(page, 1);
  frames.put(frame);
  return FaultOutcome::Resolved;
}

Result<Frame> AddressSpace::State::private_copy(Frame from) {
  const auto to = frames.allocate(Place::UserBuffer);
  if (!to) return to;
  machine.cpu.execute(config.private_page, hal::Work::Frames);
  machine.cpu.copy(from.address(), to->address(), kPageSize);
  ++counts.copy_on_write;
  return to;
}

void AddressSpace::State::charge_mapping(std::uint64_t pages) {
  machine.cpu.execute(config.fault_map_folio + config.fault_map_page * pages, hal::Work::Mapping);
}

FaultOutcome AddressSpace::State::map_page(std::uint64_t page, Frame frame, std::uint64_t bits) {
  charge_mapping(1);
  if ((bits & kAnonymousBit) != 0) note_anonymous(page);
  if (table->set(page, frame.address().value() | bits)) return FaultOutcome::Resolved;
  frames.put(frame);
  return FaultOutcome::OutOfMemory;
}

// --- pages of an object ----------------------------------------------------------------------------------------------

/// Where the whole folio lies in user space; nothing when a part of it is outside of the region or in another table.
std::optional<Span> AddressSpace::State::span_of(const Region& region, const Folio& folio) {
  if (folio.first < region.object_first || folio.end() > region.index_of(region.end)) return {};
  const std::uint64_t first = region.first + (folio.first - region.object_first);
  if (first / PageTable::kSpan != (first + folio.pages - 1) / PageTable::kSpan) return {};
  return Span{first, first + folio.pages};
}

/// Maps those pages of the span that are not mapped yet and takes a reference for each. ENOMEM: no page table.
Result<void> AddressSpace::State::map_missing(const Region& region, Span span, const Folio& folio, std::uint64_t bits) {
  std::array<std::uint64_t, PageTable::kSpan> buffer;
  const auto entries = std::span{buffer}.first(span.pages());
  table->read(span.first, entries);
  std::uint64_t mapped = 0;
  for (std::uint64_t i = 0; i < entries.size();) {
    const std::uint64_t begin = i;
    for (; i < entries.size() && !maps_page(entries[i]); ++i) {
      entries[i] = folio.frame_of(region.index_of(span.first + i)).address().value() | bits;
    }
    if (i == begin) {
      ++i;
      continue;
    }
    const auto count = static_cast<std::uint32_t>(i - begin);
    frames.get(folio.frame, count);
    if (!table->write(span.first + begin, entries.subspan(begin, count))) {
      frames.put(folio.frame, count);
      return refuse(ENOMEM);
    }
    mapped += count;
  }
  if (mapped > 0) charge_mapping(mapped);
  return {};
}

/// finish_fault: the whole folio where region, table and the end of the file allow and nothing of it is mapped yet,
/// else the one page. Takes over the caller's reference on the folio.
FaultOutcome AddressSpace::State::map_folio(const Region& region, std::uint64_t page, const Folio& folio,
                                            std::uint64_t bits) {
  const bool inside = folio.end() <= region.object->page_count();
  if (inside && map_large(region, page, folio, bits)) {
    frames.put(folio.frame);
    return FaultOutcome::Resolved;
  }
  Span span{page, page + 1};
  if (config.fault_whole_folio && folio.pages > 1 && inside) {
    const auto whole = span_of(region, folio);
    if (whole && table->none_mapped(whole->first, whole->pages())) span = *whole;
  }
  const auto mapped = map_missing(region, span, folio, bits);
  frames.put(folio.frame);
  return mapped ? FaultOutcome::Resolved : FaultOutcome::OutOfMemory;
}

/// do_set_pmd: a folio of 2 MiB by one entry, where it fills a page table that does not exist yet.
bool AddressSpace::State::map_large(const Region& region, std::uint64_t page, const Folio& folio, std::uint64_t bits) {
  if (folio.pages != PageTable::kSpan || table->has_table(page)) return false;
  const auto span = span_of(region, folio);
  if (!span) return false;
  frames.get(folio.frame);
  if (!table->set_large(span->first, folio.frame.address().value() | bits)) {
    frames.put(folio.frame);
    return false;
  }
  charge_mapping(1);
  return true;
}

/// A file's large page is not split into entries (__split_huge_pmd): its pages fault again.
void AddressSpace::State::forget_large(std::uint64_t page) {
  std::vector<Frame> forgotten;
  table->update(page, page + 1, [&](std::uint64_t, std::uint64_t& entry) {
    forgotten.push_back(Frame::of(mmu::entry_target(entry)));
    entry = 0;
  });
  charge_unmapping(forgotten);
  flush_tlb(page, 1);
  for (const auto frame : forgotten) frames.put(frame);
}

/// do_fault_around: the pages around a read fault that may be mapped with it, aligned, within the region and one table.
Span AddressSpace::State::window_around(const Region& region, std::uint64_t page) const {
  const std::uint64_t table_first = page / PageTable::kSpan * PageTable::kSpan;
  const std::uint64_t aligned = table_first + (page - table_first) / config.fault_around * config.fault_around;
  const std::uint64_t first = std::max({aligned, table_first, region.first});
  return {first, std::min({first + config.fault_around, table_first + PageTable::kSpan, region.end})};
}

/// filemap_map_pages: maps what is cached of the window around a read fault, and of a large folio that begins or ends
/// outside of it all. True when that resolved the fault.
bool AddressSpace::State::fault_around(const Region& region, std::uint64_t page) {
  if (config.fault_around <= 1) return false;
  const Span window = window_around(region, page);
  const std::uint64_t count = region.object->page_count();
  const std::uint64_t end = std::min(region.index_of(window.end), count);
  bool first = true;
  bool resolved = false;
  std::uint64_t found = 0;
  for (std::uint64_t index = region.index_of(window.first); index < end;) {
    const auto folio = region.object->cached_folio(index);
    if (!folio) {
      ++index;
      continue;
    }
    // Linux 6.18 takes the last page for the end here: a folio that reaches the end of the file is mapped by windows.
    const bool inside = folio->end() < count;
    if (std::exchange(first, false) && !table->has_table(page)) {
      if (inside && map_large(region, page, *folio, bits_of(region, false))) return true;
      // It makes the page table only for a folio that is inside: else nothing is mapped and finish_fault takes over.
      if (!inside && config.fault_whole_folio) return false;
    }
    Span span{region.first + (index - region.object_first), 0};
    span.end = span.first + (std::min(folio->end(), end) - index);
    if (config.fault_whole_folio && inside && folio->pages > 1) span = span_of(region, *folio).value_or(span);
    found += span.pages();
    index = folio->end();

    frames.get(folio->frame);  // it stays while time passes
    const auto mapped = map_missing(region, span, *folio, bits_of(region, false));
    frames.put(folio->frame);
    if (!mapped) return false;
    resolved |= span.first <= page && page < span.end;
  }
  if (found > 0) region.object->mapped_around(found);
  return resolved;
}

std::uint64_t AddressSpace::State::bits_of(const Region& region, bool writable) {
  const bool accessible = (region.protection & (PROT_READ | PROT_WRITE | PROT_EXEC)) != 0;
  std::uint64_t bits = (accessible ? pte::kPresent : kNoAccessBit) | pte::kUser | pte::kAccessed;
  if (writable && (region.protection & PROT_WRITE) != 0) bits |= pte::kWritable;
  if ((region.protection & PROT_EXEC) == 0) bits |= pte::kNoExecute;
  return bits;
}

}  // namespace sluice::mm
