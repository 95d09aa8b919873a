// SPDX-License-Identifier: Apache-2.0
// Parameters of a core's address translation.
#pragma once

#include "models/base/parameters.h"

namespace sluice::mmu {

/// Default: Intel Skylake Server. Table reads of a walk go through the core's caches and cost what they cost there.
struct MmuConfig : base::Parameters {
  static constexpr const char* kSkylake = "AnandTech 11550 (2017): Skylake-SP";
  static constexpr const char* kLargePages = "estimate, recalled from the Intel optimization manual: Skylake";
  static constexpr const char* kChampsim = "ChampSim defaults";

  unsigned dtlb_entries =
      parameter(dtlb_entries, "dtlb_entries", 64, {1, 4096}, "first-level data TLB, 4 KiB pages", kSkylake);
  unsigned dtlb_ways = parameter(dtlb_ways, "dtlb_ways", 4, {1, 64}, "its associativity", kSkylake);
  unsigned dtlb_large_entries = parameter(dtlb_large_entries, "dtlb_large_entries", 32, {1, 4096},
                                          "first-level data TLB, 2 MiB pages", kLargePages);
  unsigned dtlb_large_ways =
      parameter(dtlb_large_ways, "dtlb_large_ways", 4, {1, 64}, "its associativity", kLargePages);
  unsigned stlb_entries =
      parameter(stlb_entries, "stlb_entries", 1536, {1, 65536}, "second-level TLB, pages of both sizes", kSkylake);
  unsigned stlb_ways = parameter(stlb_ways, "stlb_ways", 12, {1, 64}, "its associativity", kSkylake);
  CpuCost stlb_hit =
      parameter(stlb_hit, "stlb_hit", CpuCost::cycles(8), "a first-level miss that hits the second level", kChampsim);
  CpuCost walk_start = parameter(
      walk_start, "walk_start", CpuCost::cycles(10),
      "starting a page walk, beside its table reads; on a virtual machine with the walk of nested tables", "estimate");
  unsigned pml4_cache_entries = parameter(pml4_cache_entries, "pml4_cache_entries", 4, {0, 64},
                                          "page-structure cache for PML4 entries", kChampsim);
  unsigned pdpt_cache_entries = parameter(pdpt_cache_entries, "pdpt_cache_entries", 8, {0, 64},
                                          "page-structure cache for PDPT entries", kChampsim);
  unsigned pd_cache_entries =
      parameter(pd_cache_entries, "pd_cache_entries", 32, {0, 64}, "page-structure cache for PD entries", kChampsim);

  static std::vector<base::Rule<MmuConfig>> rules();
  /// Throws InputError with one sentence when a TLB cannot be built (entries not a multiple of ways).
  void check() const;
};

}  // namespace sluice::mmu
