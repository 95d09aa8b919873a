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

void MmuConfig::check() const {
  check_tlb("dtlb", dtlb_entries, dtlb_ways);
  check_tlb("dtlb_large", dtlb_large_entries, dtlb_large_ways);
  check_tlb("stlb", stlb_entries, stlb_ways);
}

}  // namespace sluice::mmu
