// SPDX-License-Identifier: Apache-2.0
// Walks the x86-64 4-level page tables in memory (Intel SDM vol. 3A, 4.5 to 4.8), with page-structure caches. No
// SystemC.
//
// - Rights are those of all levels together: a page is writable, or for users, only if every entry on the way says so;
//   no-execute if any does. Supervisor writes respect R/W (CR0.WP = 1); there is no SMEP or SMAP.
// - Entries on the way get their accessed bit, the last one its dirty bit for a write, once the access is allowed.
// - Reserved, and refused with a fault: a large page in a PML4 or PDPT entry (1 GiB pages are not supported), address
//   bits above the 40 physical ones, bits 20 to 13 of a 2 MiB page.
#pragma once

#include <array>

#include <tl/expected.hpp>

#include "models/fabric/translation.h"
#include "models/mmu/associative_store.h"
#include "models/mmu/mmu_config.h"
#include "models/mmu/page_table_format.h"

namespace sluice::mmu {

struct Rights {
  bool writable = true;
  bool user = true;
  bool executable = true;
  [[nodiscard]] bool allow(fabric::TranslationAccess access, bool by_user) const {
    if (by_user && !user) return false;
    if (access == fabric::TranslationAccess::Write) return writable;
    return access == fabric::TranslationAccess::Read || executable;
  }
};

/// A page as the tables map it; what a TLB holds.
struct Mapping {
  VirtAddr page;
  PhysAddr frame;
  Bytes size = 0;  ///< 4 KiB or 2 MiB
  Rights rights;
  bool dirty = false;  ///< the dirty bit is set in memory
};

class PageWalker {
 public:
  struct Result {
    tl::expected<Mapping, fabric::TranslationFault> mapping;
    Picoseconds ready;  ///< when the walk ended
    unsigned accesses;  ///< entries read from memory
  };

  PageWalker(const MmuConfig& config, Picoseconds start_cost, fabric::PageTableAccess& tables);

  /// The address must be canonical.
  Result walk(PhysAddr root, VirtAddr address, fabric::TranslationAccess access, bool user, Picoseconds now);
  /// Drops the page-structure caches.
  void flush();

 private:
  struct Structure {  // a cached entry that points to a table
    PhysAddr table;
    Rights rights;
  };
  struct Step {
    unsigned level;
    PhysAddr table;
    Rights rights;
  };
  Step deepest_cached(PhysAddr root, VirtAddr address);

  Picoseconds m_start_cost;
  fabric::PageTableAccess& m_tables;
  std::array<AssociativeStore<Structure>, kLevels> m_structures;  // [level of the entry]; level 0 is never cached here
};

}  // namespace sluice::mmu
