// SPDX-License-Identifier: Apache-2.0
// What the TLBs keep, for how long, and what drops it.
#include <gtest/gtest.h>

#include "models/base/result.h"
#include "models/mmu/mmu.h"
#include "tests/models/mmu/fake_tables.h"

namespace sluice::mmu::tests {
namespace {

using fabric::TranslationAccess;

constexpr std::uint64_t kAll = 0x7;

/// Virtual page n (4 KiB, below 2 MiB) is frame 0x100 + n; from 1 GiB on, 2 MiB pages, identity mapped.
class Tlb : public testing::Test {
 protected:
  Tlb() {
    tables.entries[0x1000] = 0x2000 | kAll;
    tables.entries[0x2000] = 0x3000 | kAll;
    tables.entries[0x3000] = 0x4000 | kAll;
    for (std::uint64_t n = 0; n < 512; ++n) tables.entries[0x4000 + 8 * n] = ((0x100 + n) << 12) | kAll;
    tables.entries[0x2008] = 0x5000 | kAll;
    for (std::uint64_t n = 0; n < 512; ++n)
      tables.entries[0x5000 + 8 * n] = (1_GiB + n * 2_MiB) | kAll | pte::kLargePage;
    mmu.set_root(PhysAddr{0x1000});
  }
  void touch(std::uint64_t page, TranslationAccess access = TranslationAccess::Read) {
    ASSERT_TRUE(mmu.translate(VirtAddr{page * kPageSize}, access, true, 0_ps));
  }
  struct Seen {
    std::uint64_t first, second, walks;
    bool operator==(const Seen&) const = default;
  };
  Seen seen() {
    const auto& c = mmu.counts();
    const Seen since{c.dtlb_hits - m_before.dtlb_hits, c.stlb_hits - m_before.stlb_hits, c.misses - m_before.misses};
    m_before = c;
    return since;
  }

  static MmuConfig small() {
    MmuConfig config;
    config.dtlb_entries = 4;
    config.dtlb_ways = 2;  // sets: even pages, odd pages
    config.dtlb_large_entries = 2;
    config.dtlb_large_ways = 2;
    config.stlb_entries = 8;
    config.stlb_ways = 4;
    return config;
  }
  FakeTables tables;
  Mmu mmu{small(), Frequency{1'000'000'000}, tables};

 private:
  fabric::TranslationCounts m_before;
};

TEST_F(Tlb, AHitCostsNothingAndReadsNoTable) {
  touch(3);
  tables.reads.clear();
  const auto result = mmu.translate(VirtAddr{0x3123}, TranslationAccess::Read, true, 5_ns);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->address, PhysAddr{0x10'3123});
  EXPECT_EQ(result->contiguous, kPageSize - 0x123);
  EXPECT_EQ(result->ready, 5_ns);
  EXPECT_TRUE(tables.reads.empty());
}

TEST_F(Tlb, TheFirstLevelDropsTheLeastRecentlyUsedOfASet) {
  for (const unsigned page : {0U, 2U, 0U, 4U}) touch(page);  // even set of 2 ways: 4 displaces 2
  EXPECT_EQ(seen(), (Seen{1, 0, 3}));
  touch(0);
  EXPECT_EQ(seen(), (Seen{1, 0, 0}));
  EXPECT_EQ(mmu.translate(VirtAddr{2 * kPageSize}, TranslationAccess::Read, true, 0_ps)->ready, 8_ns);
  EXPECT_EQ(seen(), (Seen{0, 1, 0})) << "the second level still had it";
}

TEST_F(Tlb, TheSecondLevelHoldsItsCapacity) {
  for (unsigned page = 0; page < 8; ++page) touch(page);
  EXPECT_EQ(seen(), (Seen{0, 0, 8}));
  for (unsigned page = 0; page < 4; ++page) touch(page);
  EXPECT_EQ(seen(), (Seen{0, 4, 0}));
  touch(8);  // even set of 4 ways held 0 2 4 6, last used in the order 4 6 0 2
  EXPECT_EQ(seen(), (Seen{0, 0, 1}));
  touch(6);
  EXPECT_EQ(seen(), (Seen{0, 1, 0}));
  touch(4);
  EXPECT_EQ(seen(), (Seen{0, 0, 1}));
}

TEST_F(Tlb, LargePagesHaveTheirOwnFirstLevel) {
  const std::uint64_t large = 1_GiB / kPageSize;
  for (unsigned page = 0; page < 4; ++page) touch(page);
  touch(large);
  touch(large + 511);
  EXPECT_EQ(seen(), (Seen{1, 0, 5}));
  for (unsigned page = 0; page < 4; ++page) touch(page);
  EXPECT_EQ(seen(), (Seen{4, 0, 0})) << "they displaced no small page";
}

TEST_F(Tlb, AnotherRootDropsEverything) {
  touch(1);
  touch(1_GiB / kPageSize);
  (void)seen();
  mmu.set_root(PhysAddr{0x1000});
  touch(1);
  touch(1_GiB / kPageSize);
  EXPECT_EQ(seen(), (Seen{0, 0, 2}));
  EXPECT_EQ(tables.reads.size(), 4U + 2 + 4 + 2) << "and the page-structure caches: the first walk starts at the root";
}

TEST_F(Tlb, AStaleEntryLivesUntilItIsFlushed) {
  touch(1);
  tables.entries[0x4008] = 0x0077'7000 | kAll;
  EXPECT_EQ(mmu.translate(VirtAddr{0x1000}, TranslationAccess::Read, true, 0_ps)->address, PhysAddr{0x10'1000});
  mmu.flush(VirtAddr{0x1800}, 1);
  EXPECT_EQ(mmu.translate(VirtAddr{0x1000}, TranslationAccess::Read, true, 0_ps)->address, PhysAddr{0x0077'7000});
}

TEST_F(Tlb, ARangeFlushDropsThePagesItTouchesAndNoOthers) {
  for (const Bytes size : {Bytes{0x1001}, Bytes{0x1001} + 400 * kPageSize}) {  // page by page, and by looking at all
    mmu.flush();
    const bool many = size > 100 * kPageSize;
    const std::uint64_t first = many ? 5 : 1;
    const std::uint64_t behind = first + 2 + (many ? 400 : 0);  // the first page that the range does not reach
    touch(0);
    touch(first);
    touch(first + 1);
    touch(behind);
    (void)seen();
    mmu.flush(VirtAddr{first * kPageSize + 0xFFF}, size);  // from the last byte of page `first`
    touch(0);
    touch(behind);
    EXPECT_EQ(seen().walks, 0U);
    touch(first);
    touch(first + 1);
    EXPECT_EQ(seen().walks, 2U) << "size " << size;
  }
}

TEST_F(Tlb, FlushingOnePageOfALargePageDropsIt) {
  touch(1_GiB / kPageSize);
  mmu.flush(VirtAddr{1_GiB + 0x5000}, kPageSize);
  (void)seen();
  touch(1_GiB / kPageSize);
  EXPECT_EQ(seen().walks, 1U);
}

TEST_F(Tlb, APermissionThatWasGrantedMeanwhileIsSeenWithoutAFlush) {
  tables.entries[0x4008] &= ~pte::kWritable;
  touch(1);
  EXPECT_FALSE(mmu.translate(VirtAddr{0x1000}, TranslationAccess::Write, true, 0_ps));
  tables.entries[0x4008] |= pte::kWritable;
  EXPECT_TRUE(mmu.translate(VirtAddr{0x1000}, TranslationAccess::Write, true, 0_ps));
}

TEST(MmuConfig, RefusesEntriesThatAreNoMultipleOfTheWays) {
  FakeTables tables;
  MmuConfig config;
  config.stlb_entries = 100;
  EXPECT_THROW((Mmu{config, Frequency{1'000'000'000}, tables}), base::InputError);
}

TEST(MmuConfig, WorksWithoutPageStructureCaches) {
  FakeTables tables;
  MmuConfig config;
  config.pml4_cache_entries = config.pdpt_cache_entries = config.pd_cache_entries = 0;
  Mmu mmu{config, Frequency{1'000'000'000}, tables};
  tables.entries = {{0x1000, 0x2000 | kAll},
                    {0x2000, 0x3000 | kAll},
                    {0x3000, 0x4000 | kAll},
                    {0x4000, 0x5000 | kAll},
                    {0x4008, 0x6000 | kAll}};
  mmu.set_root(PhysAddr{0x1000});
  EXPECT_TRUE(mmu.translate(VirtAddr{0}, TranslationAccess::Read, true, 0_ps));
  EXPECT_TRUE(mmu.translate(VirtAddr{kPageSize}, TranslationAccess::Read, true, 0_ps));
  EXPECT_EQ(mmu.counts().walk_accesses, 8U);
}

}  // namespace
}  // namespace sluice::mmu::tests
