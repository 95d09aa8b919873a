// SPDX-License-Identifier: Apache-2.0
// Costs, limits and version-dependent behaviour of memory management.
#pragma once

#include "models/base/parameters.h"

namespace sluice::mm {

struct MmConfig : base::Parameters {
  static constexpr const char* kPrototypeKernel = "half of page alloc + put, 158 ns: prototype-kernel, J. Brouer";

  CpuCost page_allocate = parameter(page_allocate, "page_allocate", CpuCost::time(80_ns),
                                    "taking a page or a block of pages from the allocator", kPrototypeKernel);
  CpuCost page_free = parameter(page_free, "page_free", CpuCost::time(78_ns),
                                "giving back the last reference on a page or block", kPrototypeKernel);
  CpuCost fault_entry = parameter(fault_entry, "fault_entry", CpuCost::time(250_ns),
                                  "page fault: exception entry and exit, region look-up",
                                  "estimate, from a fresh anonymous page fault of 575 ns at least");
  CpuCost fault_map_folio =
      parameter(fault_map_folio, "fault_map_folio", CpuCost::time(40_ns),
                "page fault: each folio that is mapped: look-up, lock, reverse map, accounting", "estimate");
  CpuCost fault_map_page = parameter(fault_map_page, "fault_map_page", CpuCost::time(20_ns),
                                     "page fault: each page-table entry that is set", "estimate");
  CpuCost private_page =
      parameter(private_page, "private_page", CpuCost::time(0_ns),
                "page fault: each fresh private page, besides allocation: memory cgroup, list of the evictable",
                "estimate: in the cost of a fault");
  CpuCost map_region = parameter(map_region, "map_region", CpuCost::time(800_ns),
                                 "mmap: finding room and inserting the region", "estimate");
  CpuCost unmap_region =
      parameter(unmap_region, "unmap_region", CpuCost::time(600_ns), "munmap: removing a region", "estimate");
  CpuCost unmap_folio = parameter(unmap_folio, "unmap_folio", CpuCost::time(30_ns),
                                  "munmap: each folio of which pages were mapped", "estimate");
  CpuCost unmap_page = parameter(unmap_page, "unmap_page", CpuCost::time(10_ns),
                                 "munmap: each page-table entry that is cleared", "estimate");
  CpuCost protect_region = parameter(protect_region, "protect_region", CpuCost::time(600_ns),
                                     "mprotect: finding and changing a region", "as unmap_region");
  CpuCost protect_page = parameter(protect_page, "protect_page", CpuCost::time(10_ns),
                                   "mprotect: each page-table entry that is changed", "as unmap_page");
  CpuCost residency_page = parameter(residency_page, "residency_page", CpuCost::time(10_ns),
                                     "mincore: each page that is looked up", "as unmap_page");
  CpuCost remap_region = parameter(remap_region, "remap_region", CpuCost::time(800_ns),
                                   "mremap: finding and changing or moving a region", "as map_region");
  CpuCost remap_page = parameter(remap_page, "remap_page", CpuCost::time(10_ns),
                                 "mremap: each page-table entry that moves", "as unmap_page");
  CpuCost tlb_flush = parameter(tlb_flush, "tlb_flush", CpuCost::time(100_ns),
                                "a flush of the whole TLB, besides the misses that follow", "estimate");
  CpuCost tlb_flush_page = parameter(tlb_flush_page, "tlb_flush_page", CpuCost::time(100_ns),
                                     "flushing one page from the TLB (INVLPG)", "estimate");
  CpuCost fork_page = parameter(fork_page, "fork_page", CpuCost::time(30_ns),
                                "fork: each private page shared with the child", "estimate");
  CpuCost pin_page = parameter(pin_page, "pin_page", CpuCost::time(30_ns), "get_user_pages: each page", "estimate");
  CpuCost user_copy = parameter(user_copy, "user_copy", CpuCost::time(8_ns),
                                "fixed cost of one copy between user and kernel memory", "estimate");
  unsigned fault_around = parameter(fault_around, "fault_around", 16, {1, 512},
                                    "pages mapped around a read fault when they are cached; 1 is off",
                                    "Linux mm/memory.c, fault_around_bytes 65536");
  bool fault_whole_folio = parameter(
      fault_whole_folio, "fault_whole_folio", true,
      "a fault on a large folio of a file maps all of it where region and page table allow, not only the window",
      "Linux 6.18 mm/filemap.c filemap_map_folio_range, mm/memory.c finish_fault; before: false");
  unsigned core_list_pages =
      parameter(core_list_pages, "core_list_pages", 512, {0, 65536}, "free pages a core keeps for itself, per order",
                "estimate; Linux sizes per-CPU page lists by zone");
  unsigned core_list_batch =
      parameter(core_list_batch, "core_list_batch", 64, {1, 4096}, "pages moved at once to and from a core's own list",
                "Linux mm/page_alloc.c zone_batchsize: 63, rounded up to a power of two");
  unsigned tlb_full_flush_pages =
      parameter(tlb_full_flush_pages, "tlb_full_flush_pages", 33, {0, 1'000'000},
                "longer ranges flush the whole TLB instead of page by page", "Linux arch/x86/mm/tlb.c: 33");
};

}  // namespace sluice::mm
