// SPDX-License-Identifier: Apache-2.0
// Parameters of a core's address translation.
#pragma once

#include "models/base/parameters.h"

namespace sluice::mmu {

/// Default: Intel Skylake Server. Table reads of a walk go through the core's caches and cost what they cost there.
struct MmuConfig {
  unsigned dtlb_entries = 64;
  unsigned dtlb_ways = 4;
  unsigned dtlb_large_entries = 32;
  unsigned dtlb_large_ways = 4;
  unsigned stlb_entries = 1536;
  unsigned stlb_ways = 12;
  CpuCost stlb_hit = CpuCost::cycles(8);
  CpuCost walk_start = CpuCost::cycles(10);
  unsigned pml4_cache_entries = 4;
  unsigned pdpt_cache_entries = 8;
  unsigned pd_cache_entries = 32;

  void describe(base::ParameterTable& table);
  /// Throws InputError with one sentence when a TLB cannot be built (entries not a multiple of ways).
  void check() const;
};

}  // namespace sluice::mmu
