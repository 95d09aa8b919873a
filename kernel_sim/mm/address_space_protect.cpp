// SPDX-License-Identifier: Apache-2.0
// mprotect (mm/mprotect.c), mincore (mm/mincore.c), and which regions are one (mm/vma.c).
#include <algorithm>
#include <array>

#include <sys/mman.h>

#include "kernel_sim/mm/address_space_state.h"

namespace sluice::mm {

namespace pte = mmu::pte;

namespace {

constexpr int kAccess = PROT_READ | PROT_WRITE | PROT_EXEC;
constexpr int kSemaphores = 0x8;  // PROT_SEM, which no processor here knows
constexpr int kGrows = PROT_GROWSDOWN | PROT_GROWSUP;

/// All but protection and private pages is the same, and the pages follow each other (anon_vma_compatible).
bool alike(const Region& low, const Region& high) {
  return low.end == high.first && low.object == high.object && low.index_of(low.end) == high.object_first &&
         low.shared == high.shared && low.allowed == high.allowed && low.advice == high.advice &&
         low.locked == high.locked && low.grows_down == high.grows_down && low.droppable == high.droppable &&
         low.dont_fork == high.dont_fork && low.wipe_on_fork == high.wipe_on_fork &&
         low.no_reserve == high.no_reserve && low.accounted == high.accounted && low.hints == high.hints;
}

/// is_mergeable_anon_vma: pages of different owners stay in different regions, and so do those of a parent.
bool pages_may_join(const Region& a, const Region& b) {
  if (a.anonymous == b.anonymous) return true;
  const Region& owner = a.anonymous != 0 ? a : b;
  return (a.anonymous == 0 || b.anonymous == 0) && !owner.inherited;
}

}  // namespace

Result<void> AddressSpace::protect(VirtAddr at, Bytes size, int protection) {
  auto& s = *m_state;
  s.machine.cpu.execute(s.config.protect_region, hal::Work::Mapping);
  const int grows = protection & kGrows;
  protection &= ~kGrows;
  if (grows == kGrows || at.page_offset() != 0) return refuse(EINVAL);
  if (size == 0) return {};
  const std::uint64_t length = round_up(size, kPageSize);
  if (length < size || at.value() + length <= at.value()) return refuse(ENOMEM);
  if ((protection & ~(kAccess | kSemaphores)) != 0) return refuse(EINVAL);
  protection &= kAccess;
  std::uint64_t page = at.page_number();
  const std::uint64_t end = page + length / kPageSize;
  if ((grows & PROT_GROWSDOWN) != 0) {
    const auto first = std::ranges::find_if(s.regions, [&](const auto& entry) { return entry.second.end > page; });
    if (first == s.regions.end() || first->first >= end) return refuse(ENOMEM);
    if (!first->second.grows_down) return refuse(EINVAL);
    page = first->first;
  }
  if (s.find(page) == nullptr) return refuse(ENOMEM);
  if ((grows & PROT_GROWSUP) != 0) return refuse(EINVAL);  // no region grows up here
  while (page < end) {
    const Region* region = s.find(page);
    if (region == nullptr) return refuse(ENOMEM);
    if ((protection & ~region->allowed) != 0) return refuse(EACCES);
    const Span part{page, std::min(end, region->end)};
    const bool to_fill = region->locked && !region->shared && (region->protection & PROT_WRITE) == 0;
    if (region->protection != protection) s.set_protection(part, protection);
    // Locked memory that becomes writable gets its own pages at once.
    if (to_fill && (protection & PROT_WRITE) != 0) populate(part.first, part.end, hal::Access::Write);
    page = part.end;
  }
  return {};
}

/// mprotect_fixup, for pages of one region.
void AddressSpace::State::set_protection(Span span, int protection) {
  split_at(span.first);
  split_at(span.end);
  Region& region = *find(span.first);
  if ((protection & PROT_WRITE) != 0) {
    region.accounted |= !region.shared && !region.no_reserve && (region.protection & PROT_WRITE) == 0;
  } else if (region.object == nullptr && region.anonymous == 0) {
    region.accounted = false;
  }
  region.protection = protection;
  std::uint64_t changed = 0;
  std::vector<Frame> forgotten;
  table->update(span.first, span.end, [&](std::uint64_t page, std::uint64_t& entry) {
    ++changed;
    // A large page is a file's, and not split: its pages fault again.
    if ((entry & pte::kLargePage) != 0 && (page < span.first || page + PageTable::kSpan > span.end)) {
      forgotten.push_back(Frame::of(mmu::entry_target(entry)));
      entry = 0;
      return;
    }
    entry = with_protection(region, entry);
  });
  machine.cpu.execute(config.protect_page * changed, hal::Work::Mapping);
  if (changed > 0) flush_tlb(span.first, span.pages());
  for (const auto frame : forgotten) frames.put(frame);
  merge_around(span.first, span.end);
}

/// change_pte_range. A page is writable at once where a write fault would have nothing to do but say so: a private
/// page that nobody else can have, a shared one whose object knows that it is dirty.
std::uint64_t AddressSpace::State::with_protection(const Region& region, std::uint64_t entry) {
  const bool dirty = (entry & pte::kDirty) != 0;
  const bool own = (entry & kAnonymousBit) != 0 && (entry & kMaybeSharedBit) == 0;
  entry &= ~(pte::kPresent | pte::kWritable | pte::kNoExecute | kNoAccessBit);
  return entry | bits_of(region, region.shared ? dirty : own);
}

Result<std::vector<std::uint8_t>> AddressSpace::residency(VirtAddr at, Bytes size, std::uint64_t most) {
  auto& s = *m_state;
  if (at.page_offset() != 0) return refuse(EINVAL);
  if (at.value() > mmu::kUserEnd || size > mmu::kUserEnd - at.value()) return refuse(ENOMEM);
  std::vector<std::uint8_t> resident;
  const std::uint64_t end = at.page_number() + divide_up(size, kPageSize);
  for (std::uint64_t page = at.page_number(); page < end;) {
    const Region* region = s.find(page);
    if (region == nullptr) return refuse(ENOMEM);
    if (end - at.page_number() > most) return refuse(EFAULT);
    const auto object = region->object;
    std::array<std::uint64_t, PageTable::kSpan> buffer;
    const std::uint64_t table_end = (page / PageTable::kSpan + 1) * PageTable::kSpan;
    const auto entries = std::span{buffer}.first(std::min({end, region->end, table_end}) - page);
    const std::uint64_t index = object ? region->index_of(page) : 0;
    s.machine.cpu.execute(s.config.residency_page * entries.size(), hal::Work::Mapping);
    s.table->read(page, entries);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      // What is not mapped may be cached: a file's pages are there for everybody (mincore_page).
      resident.push_back(maps_page(entries[i]) || (object && object->resident(index + i)) ? 1 : 0);
    }
    page += entries.size();
  }
  return resident;
}

// --- which regions are one -------------------------------------------------------------------------------------------

void AddressSpace::State::merge_around(std::uint64_t first, std::uint64_t end) {
  join(first);
  join(end);
}

/// The region that ends at the page and the one that begins there.
void AddressSpace::State::join(std::uint64_t boundary) {
  const auto high = regions.find(boundary);
  if (high == regions.end() || high == regions.begin()) return;
  Region& low = std::prev(high)->second;
  const Region& upper = high->second;
  if (low.protection != upper.protection || !alike(low, upper) || !pages_may_join(low, upper)) return;
  low.end = upper.end;
  if (low.anonymous == 0) {
    low.anonymous = upper.anonymous;
    low.inherited = upper.inherited;
  }
  if (upper.object) regions_of[upper.object.get()].erase(boundary);
  regions.erase(high);
}

/// find_mergeable_anon_vma: the pages are held together with those of a neighbour that may be one region with this one
/// some day.
void AddressSpace::State::note_anonymous(std::uint64_t page) {
  Region* region = find(page);
  if (region == nullptr || region->anonymous != 0) return;
  const auto take_from = [&](const Region& other) {
    if (other.inherited) return;
    region->anonymous = other.anonymous;
  };
  const auto above = regions.find(region->end);
  if (above != regions.end() && alike(*region, above->second)) take_from(above->second);
  const auto self = regions.find(region->first);
  if (region->anonymous == 0 && self != regions.begin() && alike(std::prev(self)->second, *region))
    take_from(std::prev(self)->second);
  region->inherited = false;
  if (region->anonymous == 0) region->anonymous = ++last_anonymous;
}

}  // namespace sluice::mm
