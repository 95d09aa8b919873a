// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/mm/address_space.h"

#include <algorithm>

#include <sys/mman.h>

#include "kernel_sim/mm/address_space_state.h"
#include "kernel_sim/mm/shared_anonymous.h"

namespace sluice::mm {

namespace {

constexpr std::uint64_t kLowBegin = 1_GiB / kPageSize;  // where MAP_32BIT goes
constexpr std::uint64_t kLowEnd = 2_GiB / kPageSize;
#ifndef MAP_DROPPABLE
constexpr int MAP_DROPPABLE = 0x08;  // younger than this host's headers
#endif

}  // namespace

/// First and end page of a range of user addresses; nothing when it is misaligned, empty or outside.
std::optional<Span> Span::of(VirtAddr at, Bytes size) {
  if (at.page_offset() != 0 || size == 0 || at.value() > mmu::kUserEnd || size > mmu::kUserEnd - at.value()) return {};
  return Span{at.page_number(), at.page_number() + divide_up(size, kPageSize)};
}

bool MappedObject::resident(std::uint64_t index) { return cached_folio(index).has_value(); }
void MappedObject::mapped_around(std::uint64_t) {}
void MappedObject::will_need(std::uint64_t, std::uint64_t) {}
Result<void> MappedObject::punch_hole(std::uint64_t, std::uint64_t) { return refuse(EOPNOTSUPP); }

AddressSpace::AddressSpace(hal::Machine& machine, FrameAllocator& frames, base::Ledger& ledger,
                           const MmConfig& config) {
  auto table = PageTable::create(machine, frames);
  if (!table) throw base::InputError{"the machine's memory is too small for a process"};
  m_state = std::make_unique<State>(State{machine, frames, ledger, config, std::move(*table)});
}

AddressSpace::AddressSpace(std::unique_ptr<State> state) : m_state(std::move(state)) {}

AddressSpace::~AddressSpace() {
  while (!m_state->regions.empty()) remove_region(m_state->regions.begin()->second);
}

PhysAddr AddressSpace::root() const { return m_state->table->root(); }

bool AddressSpace::may_pin_to_read(VirtAddr at) const {
  const Region* region = m_state->find(at.page_number());
  if (region == nullptr) return false;
  if ((region->protection & PROT_READ) != 0) return true;
  // Anonymous memory that was never written is Linux's page of zeroes, which is not taken without a look at the region.
  const std::uint64_t entry = m_state->table->entry(at.page_number());
  return (entry & mmu::pte::kPresent) != 0 && !m_state->frames.is_zero_page(Frame::of(mmu::entry_target(entry)));
}

FaultCounts AddressSpace::faults() const { return m_state->counts; }

Result<VirtAddr> AddressSpace::map(VirtAddr hint, Bytes size, int protection, int flags,
                                   std::shared_ptr<MappedObject> object, std::uint64_t offset, int allowed) {
  auto& s = *m_state;
  s.machine.cpu.execute(s.config.map_region, hal::Work::Mapping);
  const int sharing = flags & MAP_TYPE;
  if (offset % kPageSize != 0) return refuse(EINVAL);
  const std::optional<std::uint64_t> file_page = object ? std::optional{offset / kPageSize} : std::nullopt;
  const auto place = find_place(hint, size, flags, file_page);
  if (!place) return place;
  const std::uint64_t pages = divide_up(size, kPageSize);
  if (object == nullptr && sharing == MAP_SHARED_VALIDATE) return refuse(EINVAL);
  if (object != nullptr && sharing == MAP_DROPPABLE) return refuse(EINVAL);
  if (sharing != MAP_SHARED && sharing != MAP_PRIVATE && sharing != MAP_SHARED_VALIDATE && sharing != MAP_DROPPABLE)
    return refuse(EINVAL);
  const bool shared = sharing == MAP_SHARED || sharing == MAP_SHARED_VALIDATE;
  const bool locked = (flags & MAP_LOCKED) != 0;
  if ((flags & MAP_GROWSDOWN) != 0 && (object != nullptr || shared)) return refuse(EINVAL);
  if (locked && sharing == MAP_DROPPABLE) return refuse(EINVAL);
  const std::uint64_t first = place->page_number();
  if ((flags & MAP_FIXED) != 0) remove_pages(first, first + pages);
  const bool own = object == nullptr && !shared;
  if (!object) offset = 0;  // anonymous memory has no file to begin within
  Region region{.first = first,
                .end = first + pages,
                .protection = protection & (PROT_READ | PROT_WRITE | PROT_EXEC),
                .shared = shared,
                .advice = MADV_NORMAL,
                .object = std::move(object),
                .object_first = own ? first : offset / kPageSize,
                .allowed = allowed,
                .locked = locked,
                .grows_down = (flags & MAP_GROWSDOWN) != 0,
                .droppable = sharing == MAP_DROPPABLE,
                .no_reserve = (flags & MAP_NORESERVE) != 0,
                .accounted = !shared && (flags & MAP_NORESERVE) == 0 && (protection & PROT_WRITE) != 0,
                .hints = (flags & MAP_STACK) != 0 ? kNoHugePages : 0};
  if (region.shared && !region.object) region.object = std::make_shared<SharedAnonymous>(s.machine, s.frames, pages);
  add_region(std::move(region));
  s.merge_around(first, first + pages);
  if (locked || (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE) {
    // Shared pages are not dirtied for nothing (mm/gup.c, populate_vma_page_range).
    const bool write = (protection & PROT_WRITE) != 0 && !shared;
    populate(first, first + pages, write ? hal::Access::Write : hal::Access::Read);
  }
  return VirtAddr{first << kPageShift};
}

/// Faults pages in that are not there, up to the first that cannot be.
FaultOutcome AddressSpace::populate(std::uint64_t first, std::uint64_t end, hal::Access access) {
  for (std::uint64_t page = first; page < end; ++page) {
    const std::uint64_t entry = m_state->table->entry(page);
    const bool there = (entry & mmu::pte::kPresent) != 0;
    if (there && (access == hal::Access::Read || (entry & mmu::pte::kWritable) != 0)) continue;
    if (const auto outcome = fault_in(page, access); outcome != FaultOutcome::Resolved) return outcome;
  }
  return FaultOutcome::Resolved;
}

Result<VirtAddr> AddressSpace::find_place(VirtAddr hint, Bytes size, int flags,
                                          std::optional<std::uint64_t> file_page) const {
  const auto& s = *m_state;
  if (size == 0) return refuse(EINVAL);
  if (size > mmu::kUserEnd) return refuse(ENOMEM);
  const std::uint64_t pages = divide_up(size, kPageSize);
  // mlock_future_ok
  if ((flags & MAP_LOCKED) != 0 && s.locked_pages + pages > kLockLimit) return refuse(EAGAIN);
  const std::uint64_t first = divide_up(std::min(hint.value(), mmu::kUserEnd), kPageSize);
  const bool low = (flags & MAP_32BIT) != 0;
  const bool fits = first >= kLowestPage && first + pages <= (low ? kLowEnd : kUserPages);
  if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0) {
    if (first + pages > kUserPages) return refuse(ENOMEM);
    if (hint.page_offset() != 0) return refuse(EINVAL);
    if (first < kLowestPage) return refuse(EPERM);
    if ((flags & MAP_FIXED_NOREPLACE) != 0 && s.overlaps(first, first + pages)) return refuse(EEXIST);
  } else if (!fits || s.overlaps(first, first + pages)) {
    const auto room = low         ? s.find_low_room(pages)
                      : file_page ? s.find_aligned_room(pages, *file_page)
                                  : s.find_room(pages);
    if (!room) return refuse(room.error().value);
    return VirtAddr{*room << kPageShift};
  }
  return VirtAddr{first << kPageShift};
}

Result<void> AddressSpace::unmap(VirtAddr at, Bytes size) {
  m_state->machine.cpu.execute(m_state->config.unmap_region, hal::Work::Mapping);
  const auto range = Span::of(at, size);
  if (!range) return refuse(EINVAL);
  remove_pages(range->first, range->end);
  return {};
}

void AddressSpace::clear() { remove_pages(0, kUserPages); }

Result<std::unique_ptr<AddressSpace>> AddressSpace::fork() {
  auto& s = *m_state;
  auto table = PageTable::create(s.machine, s.frames);
  if (!table) return refuse(table.error().value);
  std::unique_ptr<AddressSpace> child{
      new AddressSpace{std::make_unique<State>(State{s.machine, s.frames, s.ledger, s.config, std::move(*table)})}};
  auto& c = *child->m_state;
  c.heap_end = s.heap_end;
  for (const auto& [first, region] : s.regions) {
    if (region.dont_fork) continue;
    Region copy = region;
    copy.locked = false;
    // anon_vma_fork: the child's new pages are its own region's, the shared ones its parent's.
    copy.inherited = copy.anonymous != 0 && !copy.wipe_on_fork;
    copy.anonymous = copy.inherited ? ++c.last_anonymous : 0;
    child->add_region(std::move(copy));
    if (region.wipe_on_fork) continue;
    c.guards.insert(s.guards.lower_bound(region.first), s.guards.lower_bound(region.end));
  }
  // Shared and file pages are not copied: the child faults them in, as Linux does for regions without private pages.
  // Beside private pages, the page of zeroes goes along.
  struct Shared {
    std::uint64_t page;
    std::uint64_t entry;
  };
  std::vector<Shared> shared;
  for (const auto& [first, region] : s.regions) {
    if (region.shared || region.dont_fork || region.wipe_on_fork) continue;
    s.table->update(region.first, region.end, [&](std::uint64_t page, std::uint64_t& entry) {
      const auto frame = Frame::of(mmu::entry_target(entry));
      if ((entry & kAnonymousBit) != 0) {
        entry = (entry & ~mmu::pte::kWritable) | kMaybeSharedBit;
      } else if (region.anonymous == 0 || !s.frames.is_zero_page(frame)) {
        return;
      }
      s.frames.get(frame);
      shared.push_back({page, entry & ~mmu::pte::kAccessed});
    });
  }
  if (!shared.empty()) s.flush_tlb(0, kUserPages);
  // The child's tables take memory, and so perhaps time, in which the parent's may change: they are done with.
  s.machine.cpu.execute(s.config.fork_page * shared.size(), hal::Work::Mapping);
  for (std::size_t i = 0; i < shared.size(); ++i) {
    if (c.table->set(shared[i].page, shared[i].entry)) continue;
    for (; i < shared.size(); ++i) s.frames.put(Frame::of(mmu::entry_target(shared[i].entry)));
    child->clear();
    return refuse(ENOMEM);
  }
  return child;
}

void AddressSpace::zap(const MappedObject& object, std::uint64_t first_index, std::uint64_t pages,
                       bool private_copies) {
  auto& s = *m_state;
  const std::uint64_t end_index = pages > ~std::uint64_t{0} - first_index ? ~std::uint64_t{0} : first_index + pages;
  std::vector<Frame> frames;
  const auto mapped = s.regions_of.find(&object);
  if (mapped == s.regions_of.end()) return;
  for (const std::uint64_t key : mapped->second) {
    const Region& region = s.regions.at(key);
    const std::uint64_t region_end = region.index_of(region.end);
    if (region_end <= first_index || region.object_first >= end_index) continue;
    const std::uint64_t from = region.first + std::max(first_index, region.object_first) - region.object_first;
    const std::uint64_t to = region.first + std::min(end_index, region_end) - region.object_first;
    s.table->update(from, to, [&](std::uint64_t, std::uint64_t& entry) {
      if (!private_copies && (entry & kAnonymousBit) != 0) return;
      frames.push_back(Frame::of(mmu::entry_target(entry)));
      entry = 0;
    });
  }
  if (frames.empty()) return;
  s.charge_unmapping(frames);
  s.flush_tlb(0, kUserPages);
  for (const auto frame : frames) s.frames.put(frame);
}

void AddressSpace::write_protect(const MappedObject& object, std::uint64_t first_index, std::uint64_t pages) {
  auto& s = *m_state;
  bool changed = false;
  const auto mapped = s.regions_of.find(&object);
  if (mapped == s.regions_of.end()) return;
  for (const std::uint64_t key : mapped->second) {
    const Region& region = s.regions.at(key);
    const std::uint64_t region_end = region.index_of(region.end);
    if (!region.shared || region_end <= first_index || region.object_first >= first_index + pages) continue;
    const std::uint64_t from = region.first + std::max(first_index, region.object_first) - region.object_first;
    const std::uint64_t to = region.first + std::min(first_index + pages, region_end) - region.object_first;
    s.table->update(from, to, [&](std::uint64_t, std::uint64_t& entry) {
      changed |= (entry & mmu::pte::kWritable) != 0;
      entry &= ~(mmu::pte::kWritable | mmu::pte::kDirty);
    });
  }
  if (changed) s.flush_tlb(0, kUserPages);
}

// --- regions ---------------------------------------------------------------------------------------------------------

void AddressSpace::remove_pages(std::uint64_t first, std::uint64_t end) {
  auto& s = *m_state;
  s.split_at(first);
  s.split_at(end);
  std::vector<Frame> frames;
  s.table->update(first, end, [&](std::uint64_t, std::uint64_t& entry) {
    frames.push_back(Frame::of(mmu::entry_target(entry)));
    entry = 0;
  });
  const std::vector<Frame> unmapped = frames;
  if (!unmapped.empty()) s.table->unlink_empty(first, end, frames);
  std::vector<std::shared_ptr<MappedObject>> objects;
  for (auto found = s.regions.lower_bound(first); found != s.regions.end() && found->first < end;) {
    const Region& region = (found++)->second;
    objects.push_back(remove_region(region));
  }
  s.guards.erase(s.guards.lower_bound(first), s.guards.lower_bound(end));
  if (frames.empty()) return;
  s.charge_unmapping(unmapped);
  s.flush_tlb(first, end - first);
  // Only now may the frames serve somebody else: no TLB names them any more.
  for (const auto frame : frames) s.frames.put(frame);
}

void AddressSpace::add_region(Region region) {
  auto& s = *m_state;
  s.gaps.occupy(region.first, region.end);
  if (region.locked) s.locked_pages += region.pages();
  if (region.object) {
    auto& firsts = s.regions_of[region.object.get()];
    if (firsts.empty()) region.object->m_mappers.push_back(this);
    firsts.insert(region.first);
  }
  s.regions[region.first] = std::move(region);
}

/// Returns what it mapped: the last holder of an object should let it go when everything else is done.
std::shared_ptr<MappedObject> AddressSpace::remove_region(const Region& region) {
  auto& s = *m_state;
  s.gaps.release(region.first, region.end);
  if (region.locked) s.locked_pages -= region.pages();
  std::shared_ptr<MappedObject> object = region.object;
  if (object) {
    const auto firsts = s.regions_of.find(object.get());
    firsts->second.erase(region.first);
    if (firsts->second.empty()) {
      s.regions_of.erase(firsts);
      std::erase(object->m_mappers, this);
    }
  }
  s.regions.erase(region.first);
  return object;
}

/// expand_downwards: the region above the page begins there from now on, if it may grow so far.
void AddressSpace::grow_down_to(std::uint64_t page) {
  auto& s = *m_state;
  const auto above = s.regions.upper_bound(page);
  if (above == s.regions.end() || !above->second.grows_down || page < kLowestPage) return;
  if (above->second.end - page > kStackLimit) return;
  if (above != s.regions.begin()) {
    const Region& below = std::prev(above)->second;
    if (!below.grows_down && below.protection != PROT_NONE && page - below.end < kStackGuardGap) return;
  }
  Region grown = above->second;
  remove_region(above->second);
  grown.object_first -= grown.first - page;
  grown.first = page;
  add_region(std::move(grown));
}

Region* AddressSpace::State::find(std::uint64_t page) {
  auto found = regions.upper_bound(page);
  if (found == regions.begin()) return nullptr;
  --found;
  return page < found->second.end ? &found->second : nullptr;
}

bool AddressSpace::State::overlaps(std::uint64_t first, std::uint64_t end) const {
  const auto found = regions.lower_bound(first);
  if (found != regions.end() && found->first < end) return true;
  return found != regions.begin() && std::prev(found)->second.end > first;
}

Result<std::uint64_t> AddressSpace::State::find_room(std::uint64_t pages) const {
  const auto room = gaps.highest(pages);
  if (!room) return refuse(ENOMEM);
  return *room;
}

Result<std::uint64_t> AddressSpace::State::find_low_room(std::uint64_t pages) const {
  const auto room = gaps.lowest(pages, kLowBegin, kLowEnd);
  if (!room) return refuse(ENOMEM);
  return *room;
}

/// thp_get_unmapped_area (mm/huge_memory.c), which ext4, xfs and others use since 6.7.
Result<std::uint64_t> AddressSpace::State::find_aligned_room(std::uint64_t pages, std::uint64_t object_first) const {
  const std::uint64_t aligned = round_up(object_first, PageTable::kSpan);
  const std::uint64_t object_end = object_first + pages;
  if (object_end < aligned + PageTable::kSpan) return find_room(pages);
  const auto room = find_room(pages + PageTable::kSpan);
  if (!room) return find_room(pages);
  const std::uint64_t shift = (object_first - *room) % PageTable::kSpan;
  return *room + (shift == 0 ? PageTable::kSpan : shift);
}

void AddressSpace::State::split_at(std::uint64_t page) {
  Region* region = find(page);
  if (region == nullptr || region->first == page) return;
  Region upper = *region;
  upper.object_first = region->index_of(page);
  upper.first = page;
  region->end = page;
  if (upper.object) regions_of[upper.object.get()].insert(page);
  regions[page] = std::move(upper);
}

/// zap_present_folio_ptes (mm/memory.c): entries one by one, their pages by folio.
void AddressSpace::State::charge_unmapping(const std::vector<Frame>& unmapped) {
  std::uint64_t folios = 0;
  for (std::size_t i = 0; i < unmapped.size(); ++i) {
    folios += i == 0 || frames.head_of(unmapped[i]) != frames.head_of(unmapped[i - 1]) ? 1 : 0;
  }
  machine.cpu.execute(config.unmap_folio * folios + config.unmap_page * unmapped.size(), hal::Work::Mapping);
}

void AddressSpace::State::flush_tlb(std::uint64_t first, std::uint64_t pages) {
  if (pages > config.tlb_full_flush_pages) {
    machine.cpu.execute(config.tlb_flush, hal::Work::Mapping);
    machine.cpu.flush_tlb();
  } else {
    machine.cpu.execute(config.tlb_flush_page * pages, hal::Work::Mapping);
    machine.cpu.flush_tlb(VirtAddr{first << kPageShift}, pages << kPageShift);
  }
}

}  // namespace sluice::mm
