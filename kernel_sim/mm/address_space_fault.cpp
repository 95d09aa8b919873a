// SPDX-License-Identifier: Apache-2.0
// Page faults, in the order in which Linux's handle_mm_fault decides (mm/memory.c).
#include <algorithm>
#include <array>

#include <sys/mman.h>

#include "kernel_sim/mm/address_space_state.h"

namespace sluice::mm {

namespace pte = mmu::pte;

FaultOutcome AddressSpace::handle_fault(const hal::PageFault& fault) {
  m_state->machine.cpu.execute(m_state->config.fault_entry);
  if (fault.address.value() >= mmu::kUserEnd) return FaultOutcome::SegmentationFault;
  return fault_in(fault.address.page_number(), fault.access);
}

FaultOutcome AddressSpace::fault_in(std::uint64_t page, hal::Access access) {
  auto& s = *m_state;
  const Region* region = s.find(page);
  if (region == nullptr) return FaultOutcome::SegmentationFault;
  const int needed = access == hal::Access::Write     ? PROT_WRITE
                     : access == hal::Access::Execute ? PROT_EXEC
                                                      : PROT_READ | PROT_WRITE | PROT_EXEC;
  if ((region->protection & needed) == 0) return FaultOutcome::SegmentationFault;

  const bool write = access == hal::Access::Write;
  const Region copy = *region;  // regions may change while a page is being read in
  const std::uint64_t entry = s.table->entry(page);
  if ((entry & pte::kPresent) != 0) {
    if (write && (entry & pte::kWritable) == 0) return s.write_to_protected(copy, page, entry);
    s.flush_tlb(page, 1);  // an old translation, more restrictive than the table
    return FaultOutcome::Resolved;
  }
  return copy.object ? s.object_fault(copy, page, write) : s.anonymous_fault(copy, page);
}

FaultOutcome AddressSpace::State::anonymous_fault(const Region& region, std::uint64_t page) {
  const auto frame = frames.allocate(Place::UserBuffer);
  if (!frame) return FaultOutcome::OutOfMemory;
  machine.cpu.zero(frame->address(), kPageSize);
  ++counts.minor;
  return map_page(page, *frame, bits_of(region, true) | kAnonymousBit);
}

FaultOutcome AddressSpace::State::object_fault(const Region& region, std::uint64_t page, bool write) {
  if (!write && fault_around(region, page)) {
    ++counts.minor;
    return FaultOutcome::Resolved;
  }
  bool major = false;
  const auto cached = region.object->fault_page({region.index_of(page), write && region.shared, region.advice}, major);
  if (!cached) return cached.error().value == ENOMEM ? FaultOutcome::OutOfMemory : FaultOutcome::BusError;
  ++(major ? counts.major : counts.minor);
  if (!write) return map_page(page, *cached, bits_of(region, false));
  if (region.shared) {
    region.object->page_dirtied(region.index_of(page));
    return map_page(page, *cached, bits_of(region, true) | pte::kDirty);
  }
  const auto copy = private_copy(*cached);
  frames.put(*cached);
  if (!copy) return FaultOutcome::OutOfMemory;
  return map_page(page, *copy, bits_of(region, true) | kAnonymousBit);
}

/// do_wp_page: an anonymous page that nobody else holds is used again, any other private page is copied.
FaultOutcome AddressSpace::State::write_to_protected(const Region& region, std::uint64_t page, std::uint64_t entry) {
  const Frame frame = Frame::of(mmu::entry_target(entry));
  ++counts.minor;
  if (region.shared) {
    region.object->page_dirtied(region.index_of(page));
    machine.cpu.execute(config.fault_map_page);
    // Truncated meanwhile: the access is tried again and faults anew.
    if (table->entry(page) != entry) return FaultOutcome::Resolved;
    if (!table->set(page, entry | pte::kWritable | pte::kDirty)) return FaultOutcome::OutOfMemory;
    flush_tlb(page, 1);
    return FaultOutcome::Resolved;
  }
  if ((entry & kAnonymousBit) != 0 && frames.references(frame) == 1) {
    if (!table->set(page, entry | pte::kWritable)) return FaultOutcome::OutOfMemory;
    machine.cpu.execute(config.fault_map_page);
    flush_tlb(page, 1);
    return FaultOutcome::Resolved;
  }
  frames.get(frame);  // the page stays while it is copied, whoever truncates its file meanwhile
  const auto copy = private_copy(frame);
  frames.put(frame);
  if (!copy) return FaultOutcome::OutOfMemory;
  machine.cpu.execute(config.fault_map_page);
  if (table->entry(page) != entry) {
    frames.put(*copy);
    return FaultOutcome::Resolved;
  }
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
  machine.cpu.copy(from.address(), to->address(), kPageSize);
  ++counts.copy_on_write;
  return to;
}

FaultOutcome AddressSpace::State::map_page(std::uint64_t page, Frame frame, std::uint64_t bits) {
  machine.cpu.execute(config.fault_map_page);
  if (table->set(page, frame.address().value() | bits)) return FaultOutcome::Resolved;
  frames.put(frame);
  return FaultOutcome::OutOfMemory;
}

/// do_fault_around: maps the cached pages of an aligned window around a read fault, within the region and one table.
/// True when that resolved the fault.
bool AddressSpace::State::fault_around(const Region& region, std::uint64_t page) {
  if (config.fault_around <= 1) return false;
  const std::uint64_t window = config.fault_around;
  const std::uint64_t first = std::max(region.first, page / window * window);
  const std::uint64_t end =
      std::min({region.end, (page / window + 1) * window, (page / PageTable::kSpan + 1) * PageTable::kSpan});
  const std::uint64_t begin = std::max(first, page / PageTable::kSpan * PageTable::kSpan);

  std::array<std::uint64_t, PageTable::kSpan> buffer;
  const auto entries = std::span{buffer}.first(end - begin);
  table->read(begin, entries);
  const std::uint64_t bits = bits_of(region, false);
  std::vector<Frame> mapped;
  for (std::uint64_t i = 0; i < entries.size(); ++i) {
    if ((entries[i] & pte::kPresent) != 0) continue;
    if (const auto frame = region.object->cached_page(region.index_of(begin + i))) {
      entries[i] = frame->address().value() | bits;
      mapped.push_back(*frame);
    }
  }
  if (mapped.empty()) return false;
  const bool resolved = (entries[page - begin] & pte::kPresent) != 0;
  const bool written = table->write(begin, entries).has_value();
  machine.cpu.execute(config.fault_map_page.at(machine.cpu.frequency()) * mapped.size());
  if (written) return resolved;
  for (const auto frame : mapped) frames.put(frame);
  return false;
}

std::uint64_t AddressSpace::State::bits_of(const Region& region, bool writable) {
  std::uint64_t bits = pte::kPresent | pte::kUser | pte::kAccessed;
  if (writable && (region.protection & PROT_WRITE) != 0) bits |= pte::kWritable;
  if ((region.protection & PROT_EXEC) == 0) bits |= pte::kNoExecute;
  return bits;
}

}  // namespace sluice::mm
