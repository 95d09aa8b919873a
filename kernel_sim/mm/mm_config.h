// SPDX-License-Identifier: Apache-2.0
// Costs, limits and version-dependent behaviour of memory management.
#pragma once

#include "models/base/parameters.h"

namespace sluice::mm {

struct MmConfig {
  CpuCost page_allocate = CpuCost::time(80_ns);
  CpuCost page_free = CpuCost::time(78_ns);
  CpuCost fault_entry = CpuCost::time(250_ns);     ///< exception entry and exit, region look-up
  CpuCost fault_map_folio = CpuCost::time(40_ns);  ///< one folio found and locked, its reverse map and accounting
  CpuCost fault_map_page = CpuCost::time(20_ns);   ///< one page-table entry
  CpuCost private_page = CpuCost::time(0_ns);  ///< a fresh private page is accounted to its owner and made evictable
  CpuCost map_region = CpuCost::time(800_ns);  ///< mmap: find room, insert the region
  CpuCost unmap_region = CpuCost::time(600_ns);
  CpuCost unmap_folio = CpuCost::time(30_ns);      ///< reverse map and accounting of one folio
  CpuCost unmap_page = CpuCost::time(10_ns);       ///< one page-table entry
  CpuCost tlb_flush = CpuCost::time(100_ns);       ///< of all entries
  CpuCost tlb_flush_page = CpuCost::time(100_ns);  ///< of one (INVLPG)
  CpuCost fork_page = CpuCost::time(30_ns);        ///< one private page shared with the child
  CpuCost pin_page = CpuCost::time(30_ns);         ///< get_user_pages, per page
  CpuCost user_copy = CpuCost::time(8_ns);         ///< one copy_to_user or copy_from_user before its first byte
  unsigned fault_around = 16;                      ///< pages mapped around a read fault when cached; 1 = off
  bool fault_whole_folio = true;                   ///< a fault maps all of a folio, not only its pages of the window
  unsigned core_list_pages = 512;                  ///< frames a core keeps back for itself, per order
  unsigned core_list_batch = 64;                   ///< frames moved at once between a core's list and the buddy lists
  unsigned tlb_full_flush_pages = 33;              ///< longer ranges flush the whole TLB
  void describe(base::ParameterTable& table);
};

}  // namespace sluice::mm
