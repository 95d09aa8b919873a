// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/mm/mm_config.h"

namespace sluice::mm {

void MmConfig::describe(base::ParameterTable& table) {
  const char* prototype_kernel = "half of page alloc + put, 158 ns: prototype-kernel, J. Brouer";
  table.add("page_allocate", page_allocate, "taking a page or a block of pages from the allocator", prototype_kernel);
  table.add("page_free", page_free, "giving back the last reference on a page or block", prototype_kernel);
  table.add("fault_entry", fault_entry, "page fault: exception entry and exit, region look-up",
            "estimate, from a fresh anonymous page fault of 575 ns at least");
  table.add("fault_map_folio", fault_map_folio,
            "page fault: each folio that is mapped: look-up, lock, reverse map, accounting", "estimate");
  table.add("fault_map_page", fault_map_page, "page fault: each page-table entry that is set", "estimate");
  table.add("private_page", private_page,
            "page fault: each fresh private page, besides allocation: memory cgroup, list of the evictable",
            "estimate: in the cost of a fault");
  table.add("map_region", map_region, "mmap: finding room and inserting the region", "estimate");
  table.add("unmap_region", unmap_region, "munmap: removing a region", "estimate");
  table.add("unmap_folio", unmap_folio, "munmap: each folio of which pages were mapped", "estimate");
  table.add("unmap_page", unmap_page, "munmap: each page-table entry that is cleared", "estimate");
  table.add("tlb_flush", tlb_flush, "a flush of the whole TLB, besides the misses that follow", "estimate");
  table.add("tlb_flush_page", tlb_flush_page, "flushing one page from the TLB (INVLPG)", "estimate");
  table.add("fork_page", fork_page, "fork: each private page shared with the child", "estimate");
  table.add("pin_page", pin_page, "get_user_pages: each page", "estimate");
  table.add("user_copy", user_copy, "fixed cost of one copy between user and kernel memory", "estimate");
  table.add("fault_around", fault_around, {1, 512}, "pages mapped around a read fault when they are cached; 1 is off",
            "Linux mm/memory.c, fault_around_bytes 65536");
  table.add("fault_whole_folio", fault_whole_folio,
            "a fault on a large folio of a file maps all of it where region and page table allow, not only the window",
            "Linux 6.18 mm/filemap.c filemap_map_folio_range, mm/memory.c finish_fault; before: false");
  table.add("core_list_pages", core_list_pages, {0, 65536}, "free pages a core keeps for itself, per order",
            "estimate; Linux sizes per-CPU page lists by zone");
  table.add("core_list_batch", core_list_batch, {1, 4096}, "pages moved at once to and from a core's own list",
            "Linux mm/page_alloc.c zone_batchsize: 63, rounded up to a power of two");
  table.add("tlb_full_flush_pages", tlb_full_flush_pages, {0, 1'000'000},
            "longer ranges flush the whole TLB instead of page by page", "Linux arch/x86/mm/tlb.c: 33");
}

}  // namespace sluice::mm
