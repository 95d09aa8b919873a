// SPDX-License-Identifier: Apache-2.0
#include "models/mmu/mmu_config.h"

#include "models/base/result.h"

namespace sluice::mmu {
namespace {

bool fits(unsigned entries, unsigned ways) { return ways != 0 && entries != 0 && entries % ways == 0; }

}  // namespace

std::vector<base::Rule<MmuConfig>> MmuConfig::rules() {
  return {
      {{"dtlb_entries", "dtlb_ways"},
       "dtlb_entries must be a multiple of dtlb_ways",
       [](const MmuConfig& c) { return fits(c.dtlb_entries, c.dtlb_ways); }},
      {{"dtlb_large_entries", "dtlb_large_ways"},
       "dtlb_large_entries must be a multiple of dtlb_large_ways",
       [](const MmuConfig& c) { return fits(c.dtlb_large_entries, c.dtlb_large_ways); }},
      {{"stlb_entries", "stlb_ways"},
       "stlb_entries must be a multiple of stlb_ways",
       [](const MmuConfig& c) { return fits(c.stlb_entries, c.stlb_ways); }},
  };
}

void MmuConfig::check() const {
  if (const std::string broken = broken_rule(*this); !broken.empty()) throw base::InputError{"mmu: " + broken};
}

}  // namespace sluice::mmu
