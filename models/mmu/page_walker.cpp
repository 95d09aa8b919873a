// SPDX-License-Identifier: Apache-2.0
#include "models/mmu/page_walker.h"

#include <algorithm>

#include "models/fabric/memory_map.h"

namespace sluice::mmu {
namespace {

using fabric::TranslationAccess;
using fabric::TranslationFault;

constexpr std::uint64_t kBeyondPhysical = pte::kFrameMask & ~(fabric::kMaxMemory - 1);
constexpr std::uint64_t kLargeFrameMask = pte::kFrameMask & ~(kLargePageSize - 1);
constexpr std::uint64_t kLargeReserved = (kLargePageSize - 1) & ~0x1FFFULL;  // 20..13; bit 12 is PAT
constexpr unsigned kTop = kLevels - 1;

constexpr unsigned shift_of(unsigned level) { return kPageShift + 9 * level; }

bool is_leaf(std::uint64_t entry, unsigned level) {
  return level == 0 || (level == kLargePageLevel && (entry & pte::kLargePage) != 0);
}

bool has_reserved_bits(std::uint64_t entry, unsigned level) {
  if ((entry & kBeyondPhysical) != 0) return true;
  if ((entry & pte::kLargePage) == 0 || level == 0) return false;  // in a PT entry the bit is PAT
  return level > kLargePageLevel || (entry & kLargeReserved) != 0;
}

Rights both(Rights above, std::uint64_t entry) {
  return {above.writable && (entry & pte::kWritable) != 0, above.user && (entry & pte::kUser) != 0,
          above.executable && (entry & pte::kNoExecute) == 0};
}

TranslationFault fault(TranslationAccess access, bool user, bool present, bool reserved) {
  TranslationFault why;
  why.present = present;
  why.write = access == TranslationAccess::Write;
  why.user = user;
  why.reserved = reserved;
  why.execute = access == TranslationAccess::Execute;
  return why;
}

unsigned ways(unsigned entries) { return std::max(entries, 1U); }  // fully associative

}  // namespace

PageWalker::PageWalker(const MmuConfig& config, Picoseconds start_cost, fabric::PageTableAccess& tables)
    : m_start_cost(start_cost),
      m_tables(tables),
      m_structures{AssociativeStore<Structure>{0, 1},
                   AssociativeStore<Structure>{config.pd_cache_entries, ways(config.pd_cache_entries)},
                   AssociativeStore<Structure>{config.pdpt_cache_entries, ways(config.pdpt_cache_entries)},
                   AssociativeStore<Structure>{config.pml4_cache_entries, ways(config.pml4_cache_entries)}} {}

void PageWalker::flush() {
  for (auto& structures : m_structures) structures.clear();
}

/// Where the walk begins: the table below the deepest entry that is cached, else the root.
PageWalker::Step PageWalker::deepest_cached(PhysAddr root, VirtAddr address) {
  for (unsigned level = 1; level <= kTop; ++level) {
    if (const Structure* found = m_structures[level].find(address.value() >> shift_of(level))) {
      return {level - 1, found->table, found->rights};
    }
  }
  return {kTop, root, Rights{}};
}

PageWalker::Result PageWalker::walk(PhysAddr root, VirtAddr address, TranslationAccess access, bool user,
                                    Picoseconds now) {
  Step step = deepest_cached(root, address);
  now += m_start_cost;
  for (unsigned accesses = 1;; ++accesses) {
    const auto refuse = [&](bool present, bool reserved) {
      TranslationFault why = fault(access, user, present, reserved);
      why.ready = now;
      return Result{tl::unexpected{why}, now, accesses};
    };

    // 1. Read the entry and see whether it says anything valid.
    const PhysAddr at = entry_address(step.table, address, step.level);
    std::uint64_t entry = 0;
    now = m_tables.read(at, entry, now);
    if ((entry & pte::kPresent) == 0) return refuse(false, false);
    if (has_reserved_bits(entry, step.level)) return refuse(true, true);
    step.rights = both(step.rights, entry);

    // 2. The page itself: permission is decided here, by all levels.
    const bool leaf = is_leaf(entry, step.level);
    if (leaf && !step.rights.allow(access, user)) return refuse(true, false);

    // 3. Accessed and dirty.
    std::uint64_t updated = entry | pte::kAccessed;
    if (leaf && access == TranslationAccess::Write) updated |= pte::kDirty;
    if (updated != entry) now = m_tables.write(at, updated, now);

    if (leaf) {
      const Bytes size = step.level == 0 ? kPageSize : kLargePageSize;
      const std::uint64_t mask = step.level == 0 ? pte::kFrameMask : kLargeFrameMask;
      const Mapping mapping{VirtAddr{address.value() & ~(size - 1)}, PhysAddr{entry & mask}, size, step.rights,
                            (updated & pte::kDirty) != 0};
      return Result{mapping, now, accesses};
    }

    // 4. One level down.
    step.table = entry_target(entry);
    m_structures[step.level].insert(address.value() >> shift_of(step.level), {step.table, step.rights});
    --step.level;
  }
}

}  // namespace sluice::mmu
