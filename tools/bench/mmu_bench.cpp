// SPDX-License-Identifier: Apache-2.0
// Address translation: a TLB hit should cost below 10 ns of host time.
#include <vector>

#include <benchmark/benchmark.h>

#include "models/mmu/mmu.h"

namespace sluice::bench {
namespace {

/// Tables in a vector: 4 MiB mapped by 4 KiB pages from address 0, walks in zero simulated time.
class FlatTables : public fabric::PageTableAccess {
 public:
  FlatTables() : m_entries(6 * mmu::kEntriesPerTable) {
    constexpr std::uint64_t kAll = mmu::pte::kPresent | mmu::pte::kWritable | mmu::pte::kUser;
    at(0x0000) = 0x1000 | kAll;
    at(0x1000) = 0x2000 | kAll;
    at(0x2000) = 0x3000 | kAll;
    at(0x2008) = 0x4000 | kAll;
    for (std::uint64_t page = 0; page < 1024; ++page) at(0x3000 + page * 8) = (page << kPageShift) | kAll;
  }
  Picoseconds read(PhysAddr address, std::uint64_t& entry, Picoseconds now) override {
    entry = at(address.value());
    return now;
  }
  Picoseconds write(PhysAddr address, std::uint64_t entry, Picoseconds now) override {
    at(address.value()) = entry;
    return now;
  }

 private:
  std::uint64_t& at(std::uint64_t address) { return m_entries[address / 8]; }
  std::vector<std::uint64_t> m_entries;
};

/// `pages` in turn: 16 hit the first level, 256 the second; 1024 with a flush each round walk.
void translate(benchmark::State& state) {
  const auto pages = static_cast<std::uint64_t>(state.range(0));
  FlatTables tables;
  mmu::Mmu mmu{mmu::MmuConfig{}, Frequency{2'900'000'000}, tables};
  std::uint64_t page = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        mmu.translate(VirtAddr{page * kPageSize}, fabric::TranslationAccess::Write, true, Picoseconds{}));
    if (++page == pages) {
      page = 0;
      if (pages == 1024) mmu.flush();
    }
  }
}
BENCHMARK(translate)->ArgName("pages")->Arg(16)->Arg(256)->Arg(1024);

}  // namespace
}  // namespace sluice::bench
