// SPDX-License-Identifier: Apache-2.0
#include "models/mmu/mmu_config.h"

#include "models/base/result.h"

namespace sluice::mmu {
namespace {

void check_tlb(const char* name, unsigned entries, unsigned ways) {
  if (ways == 0 || entries == 0 || entries % ways != 0) {
    throw base::InputError{std::string{"mmu."} + name + "_entries: must be a multiple of " + name + "_ways (" +
                           std::to_string(ways) + "), is " + std::to_string(entries)};
  }
}

}  // namespace

void MmuConfig::describe(base::ParameterTable& table) {
  const std::string skylake = "AnandTech 11550 (2017): Skylake-SP";
  const std::string large_pages = "estimate, recalled from the Intel optimization manual: Skylake";
  const std::string champsim = "ChampSim defaults";
  table.add("dtlb_entries", dtlb_entries, {1, 4096}, "first-level data TLB, 4 KiB pages", skylake);
  table.add("dtlb_ways", dtlb_ways, {1, 64}, "its associativity", skylake);
  table.add("dtlb_large_entries", dtlb_large_entries, {1, 4096}, "first-level data TLB, 2 MiB pages", large_pages);
  table.add("dtlb_large_ways", dtlb_large_ways, {1, 64}, "its associativity", large_pages);
  table.add("stlb_entries", stlb_entries, {1, 65536}, "second-level TLB, pages of both sizes", skylake);
  table.add("stlb_ways", stlb_ways, {1, 64}, "its associativity", skylake);
  table.add("stlb_hit", stlb_hit, "a first-level miss that hits the second level", champsim);
  table.add("walk_start", walk_start,
            "starting a page walk, beside its table reads; on a virtual machine with the walk of nested tables",
            "estimate");
  table.add("pml4_cache_entries", pml4_cache_entries, {0, 64}, "page-structure cache for PML4 entries", champsim);
  table.add("pdpt_cache_entries", pdpt_cache_entries, {0, 64}, "page-structure cache for PDPT entries", champsim);
  table.add("pd_cache_entries", pd_cache_entries, {0, 64}, "page-structure cache for PD entries", champsim);
}

void MmuConfig::check() const {
  check_tlb("dtlb", dtlb_entries, dtlb_ways);
  check_tlb("dtlb_large", dtlb_large_entries, dtlb_large_ways);
  check_tlb("stlb", stlb_entries, stlb_ways);
}

}  // namespace sluice::mmu
