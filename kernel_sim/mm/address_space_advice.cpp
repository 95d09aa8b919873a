// SPDX-License-Identifier: Apache-2.0
// madvise (mm/madvise.c).
#include <algorithm>
#include <array>

#include <sys/mman.h>

#include "kernel_sim/mm/address_space_state.h"

namespace sluice::mm {

namespace {

// Younger than this host's headers.
constexpr int kCollapse = 25;
constexpr int kGuardInstall = 102;
constexpr int kGuardRemove = 103;

/// madvise_behavior_valid, for a user without privileges on a machine without memory failures.
bool known(int advice) {
  return (advice >= MADV_NORMAL && advice <= MADV_DONTNEED) || (advice >= MADV_FREE && advice <= kCollapse) ||
         advice == kGuardInstall || advice == kGuardRemove;
}

/// Advice that a region keeps: it is cut to the range.
bool kept(int advice) {
  constexpr std::array kKept = {MADV_NORMAL, MADV_RANDOM,     MADV_SEQUENTIAL, MADV_DONTFORK,
                                MADV_DOFORK, MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_DONTDUMP,
                                MADV_DODUMP, MADV_HUGEPAGE,   MADV_NOHUGEPAGE};
  return std::ranges::find(kKept, advice) != kKept.end();
}

bool populates(int advice) { return advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE; }

bool private_anonymous(const Region& region) { return region.object == nullptr; }

/// What the region does not allow: EINVAL.
bool refused(const Region& region, int advice) {
  switch (advice) {
    case MADV_DONTNEED:
    case MADV_COLD:
    case MADV_PAGEOUT:
    case MADV_REMOVE:
    case kGuardInstall:
      return region.locked;
    case MADV_FREE:
      return region.locked || !private_anonymous(region);
    case MADV_WIPEONFORK:
      return !private_anonymous(region);
    case MADV_KEEPONFORK:
    case MADV_DODUMP:
      return region.droppable;
    case MADV_POPULATE_READ:
      return (region.protection & PROT_READ) == 0;
    case MADV_POPULATE_WRITE:
      return (region.protection & PROT_WRITE) == 0;
    case kCollapse:  // anonymous memory has no huge pages here, and files get theirs by read-ahead
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<void> AddressSpace::advise(VirtAddr at, Bytes size, int advice) {
  auto& s = *m_state;
  if (!known(advice) || at.page_offset() != 0) return refuse(EINVAL);
  if (size == 0) return {};
  const std::uint64_t length = round_up(size, kPageSize);
  if (length < size || at.value() + length < at.value()) return refuse(EINVAL);  // around the end of all addresses
  const auto range = Span::of(at, size);
  if (!range) return refuse(ENOMEM);
  if (kept(advice)) {
    s.split_at(range->first);
    s.split_at(range->end);
  }
  bool gap = false;
  for (std::uint64_t page = range->first; page < range->end;) {
    // Looked up anew: the region may change while time passes.
    const auto above = s.regions.upper_bound(page);
    Region* region = s.find(page);
    if (region == nullptr) {
      if (populates(advice)) return refuse(ENOMEM);
      gap = true;
      page = above == s.regions.end() ? range->end : above->first;
      continue;
    }
    const Span part{page, std::min(range->end, region->end)};
    if (refused(*region, advice)) return refuse(EINVAL);
    if (const auto done = advise_region(*region, part, advice); !done) return done;
    if (kept(advice)) s.merge_around(part.first, part.end);
    page = part.end;
  }
  if (gap) return refuse(ENOMEM);  // after the parts that are mapped, as Linux
  return {};
}

/// What takes no space or time but a hint has nothing to do here: pages are neither swapped, merged nor dumped.
Result<void> AddressSpace::advise_region(Region& region, Span span, int advice) {
  auto& s = *m_state;
  switch (advice) {
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
      region.advice = advice;
      return {};
    case MADV_DONTFORK:
    case MADV_DOFORK:
      region.dont_fork = advice == MADV_DONTFORK;
      return {};
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
      region.wipe_on_fork = advice == MADV_WIPEONFORK;
      return {};
    case MADV_DONTDUMP:
      region.hints |= kDontDump;
      return {};
    case MADV_DODUMP:
      region.hints &= ~kDontDump;
      return {};
    case MADV_HUGEPAGE:
      region.hints = (region.hints & ~kNoHugePages) | kHugePages;
      return {};
    case MADV_NOHUGEPAGE:
      region.hints = (region.hints & ~kHugePages) | kNoHugePages;
      return {};
    case MADV_WILLNEED:
      if (const auto object = region.object) object->will_need(region.index_of(span.first), span.pages());
      return {};
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
      drop_pages(span);
      return {};
    case MADV_REMOVE: {
      const auto object = region.object;
      if (!object) return refuse(EINVAL);
      if (!region.shared) return refuse(EACCES);
      return object->punch_hole(region.index_of(span.first), span.pages());
    }
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE: {
      const auto access = advice == MADV_POPULATE_WRITE ? hal::Access::Write : hal::Access::Read;
      const auto outcome = populate(span.first, span.end, access);
      if (outcome == FaultOutcome::OutOfMemory) return refuse(ENOMEM);
      if (outcome != FaultOutcome::Resolved) return refuse(EFAULT);
      return {};
    }
    case kGuardInstall:
      drop_pages(span);
      for (std::uint64_t page = span.first; page < span.end; ++page) s.guards.insert(page);
      return {};
    case kGuardRemove:
      s.guards.erase(s.guards.lower_bound(span.first), s.guards.lower_bound(span.end));
      return {};
    default:
      return {};
  }
}

/// zap_page_range: they fault in anew.
void AddressSpace::drop_pages(Span span) {
  auto& s = *m_state;
  std::vector<Frame> frames;
  s.table->update(span.first, span.end, [&](std::uint64_t, std::uint64_t& entry) {
    frames.push_back(Frame::of(mmu::entry_target(entry)));
    entry = 0;
  });
  if (!frames.empty()) s.flush_tlb(span.first, span.pages());
  for (const auto frame : frames) s.frames.put(frame);
}

}  // namespace sluice::mm
