// SPDX-License-Identifier: Apache-2.0
// Page tables in a map, where a test writes entries by address and sees every access of the walker.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "models/fabric/translation.h"
#include "models/mmu/page_table_format.h"

namespace sluice::mmu::tests {

/// Each read takes 10 ns, each write 3 ns. What was never written reads as 0.
class FakeTables : public fabric::PageTableAccess {
 public:
  Picoseconds read(PhysAddr at, std::uint64_t& entry, Picoseconds now) override {
    reads.push_back(at.value());
    entry = entries[at.value()];
    return now + 10_ns;
  }
  Picoseconds write(PhysAddr at, std::uint64_t entry, Picoseconds now) override {
    writes.push_back(at.value());
    entries[at.value()] = entry;
    return now + 3_ns;
  }

  std::map<std::uint64_t, std::uint64_t> entries;
  std::vector<std::uint64_t> reads;
  std::vector<std::uint64_t> writes;
};

}  // namespace sluice::mmu::tests
