// SPDX-License-Identifier: Apache-2.0
// Walks of tables that were computed by hand.
//
//   virtual address 0x7F12'3456'7ABC
//     PML4 index  bits 47..39  0x7F123456'7ABC >> 39 & 511 = 0xFE  (254)   entry at root  + 0x7F0
//     PDPT index  bits 38..30                              = 0x48  ( 72)   entry at table + 0x240
//     PD   index  bits 29..21                              = 0x1A2 (418)   entry at table + 0xD10
//     PT   index  bits 20..12                              = 0x167 (359)   entry at table + 0xB38
//     offset                                               = 0xABC
#include <gtest/gtest.h>

#include "models/mmu/mmu.h"
#include "tests/models/mmu/fake_tables.h"

namespace sluice::mmu::tests {
namespace {

using fabric::TranslationAccess;

constexpr VirtAddr kAddress{0x7F12'3456'7ABC};
constexpr PhysAddr kRoot{0x1000};
// P | R/W | U/S
constexpr std::uint64_t kAll = 0x7;
constexpr std::uint64_t kPml4Entry = 0x1000 + 0x7F0;
constexpr std::uint64_t kPdptEntry = 0x2000 + 0x240;
constexpr std::uint64_t kPdEntry = 0x3000 + 0xD10;
constexpr std::uint64_t kPtEntry = 0x4000 + 0xB38;

class PageWalk : public testing::Test {
 protected:
  PageWalk() {
    tables.entries = {{kPml4Entry, 0x2000 | kAll},
                      {kPdptEntry, 0x3000 | kAll},
                      {kPdEntry, 0x4000 | kAll},
                      {kPtEntry, 0xABCD'E000 | kAll}};
    mmu.set_root(kRoot);
  }
  auto translate(TranslationAccess access = TranslationAccess::Read, bool user = true, VirtAddr at = kAddress) {
    return mmu.translate(at, access, user, 1_us);
  }
  std::uint32_t error_code(TranslationAccess access, bool user = true) {
    const auto result = translate(access, user);
    if (result) {
      ADD_FAILURE() << "the access was allowed";
      return 0xFFFF;
    }
    return result.error().error_code();
  }

  FakeTables tables;
  Mmu mmu{MmuConfig{}, Frequency{1'000'000'000}, tables};  // 1 GHz: 1 cycle = 1 ns; second level 8 ns, walk start 10 ns
};

TEST_F(PageWalk, ReadsOneEntryPerLevelAtTheComputedAddresses) {
  const auto result = translate();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->address, PhysAddr{0xABCD'EABC});
  EXPECT_EQ(result->contiguous, 0x1000U - 0xABC);
  EXPECT_EQ(tables.reads, (std::vector<std::uint64_t>{kPml4Entry, kPdptEntry, kPdEntry, kPtEntry}));
  // Second level 8 ns, start 10 ns, 4 reads of 10 ns, 4 accessed bits of 3 ns.
  EXPECT_EQ(result->ready, 1_us + 8_ns + 10_ns + 40_ns + 12_ns);
  EXPECT_EQ(mmu.counts().walk_accesses, 4U);
}

TEST_F(PageWalk, SetsAccessedOnTheWayAndDirtyOnTheLastEntryOfAWrite) {
  ASSERT_TRUE(translate(TranslationAccess::Read));
  EXPECT_EQ(tables.entries[kPml4Entry], 0x2000 | kAll | 0x20U);
  EXPECT_EQ(tables.entries[kPdEntry], 0x4000 | kAll | 0x20U);
  EXPECT_EQ(tables.entries[kPtEntry], 0xABCD'E000 | kAll | 0x20U);
  ASSERT_TRUE(translate(TranslationAccess::Write));
  EXPECT_EQ(tables.entries[kPdEntry], 0x4000 | kAll | 0x20U);
  EXPECT_EQ(tables.entries[kPtEntry], 0xABCD'E000 | kAll | 0x60U);
  EXPECT_EQ(mmu.counts().misses, 2U) << "the first write walks, to set the dirty bit";
  tables.writes.clear();
  ASSERT_TRUE(translate(TranslationAccess::Write));
  EXPECT_TRUE(tables.writes.empty());
  EXPECT_EQ(mmu.counts().dtlb_hits, 1U);
}

TEST_F(PageWalk, A2MiBPageEndsTheWalkInThePageDirectory) {
  // PS, bits 20..0 of the address become the offset: 0x3456'7ABC & 0x1F'FFFF = 0x16'7ABC.
  tables.entries[kPdEntry] = 0x4000'0000 | kAll | 0x80;
  const auto result = translate(TranslationAccess::Write);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->address, PhysAddr{0x4016'7ABC});
  EXPECT_EQ(result->contiguous, 0x20'0000U - 0x16'7ABC);
  EXPECT_EQ(tables.reads.size(), 3U);
  EXPECT_EQ(tables.entries[kPdEntry], 0x4000'0000 | kAll | 0x80 | 0x60U);
  // Another 4 KiB page of it hits the TLB.
  EXPECT_EQ(translate(TranslationAccess::Write, true, kAddress.page_base() - kPageSize)->address,
            PhysAddr{0x4016'6000});
  EXPECT_EQ(mmu.counts().dtlb_hits, 1U);
}

TEST_F(PageWalk, AnEntryThatIsNotPresentFaultsAtEveryLevel) {
  for (const std::uint64_t entry : {kPtEntry, kPdEntry, kPdptEntry, kPml4Entry}) {
    tables.entries[entry] &= ~std::uint64_t{1};
    mmu.flush();
    EXPECT_EQ(error_code(TranslationAccess::Read), 0b00100U);
    EXPECT_EQ(error_code(TranslationAccess::Write), 0b00110U);
    EXPECT_EQ(error_code(TranslationAccess::Write, false), 0b00010U);
  }
  EXPECT_EQ(mmu.counts().faults, 12U);
}

TEST_F(PageWalk, WritingNeedsTheWritableBitOnEveryLevel) {
  for (const std::uint64_t entry : {kPtEntry, kPdEntry, kPdptEntry, kPml4Entry}) {
    tables.entries[entry] &= ~std::uint64_t{2};
    mmu.flush();
    EXPECT_EQ(error_code(TranslationAccess::Write), 0b00111U);
    EXPECT_EQ(error_code(TranslationAccess::Write, false), 0b00011U) << "the kernel respects it too";
    EXPECT_TRUE(translate(TranslationAccess::Read));
    tables.entries[entry] |= 2;
  }
}

TEST_F(PageWalk, UsersNeedTheUserBitOnEveryLevelAndTheKernelDoesNot) {
  for (const std::uint64_t entry : {kPtEntry, kPdEntry, kPdptEntry, kPml4Entry}) {
    tables.entries[entry] &= ~std::uint64_t{4};
    mmu.flush();
    EXPECT_EQ(error_code(TranslationAccess::Read), 0b00101U);
    EXPECT_TRUE(translate(TranslationAccess::Write, false));
    tables.entries[entry] |= 4;
  }
}

TEST_F(PageWalk, NoExecuteOnAnyLevelForbidsExecution) {
  EXPECT_TRUE(translate(TranslationAccess::Execute));
  for (const std::uint64_t entry : {kPtEntry, kPdEntry}) {
    tables.entries[entry] |= std::uint64_t{1} << 63;
    mmu.flush();
    EXPECT_EQ(error_code(TranslationAccess::Execute), 0b10101U);
    EXPECT_TRUE(translate(TranslationAccess::Read));
    tables.entries[entry] &= ~(std::uint64_t{1} << 63);
  }
}

TEST_F(PageWalk, ReservedBitsFault) {
  const auto with = [&](std::uint64_t entry, std::uint64_t bits) {
    const std::uint64_t before = tables.entries[entry];
    tables.entries[entry] |= bits;
    mmu.flush();
    const std::uint32_t code = error_code(TranslationAccess::Read);
    tables.entries[entry] = before;
    return code;
  };
  EXPECT_EQ(with(kPml4Entry, 0x80), 0b01101U) << "no large pages of 512 GiB";
  EXPECT_EQ(with(kPdptEntry, 0x80), 0b01101U) << "1 GiB pages are not supported";
  EXPECT_EQ(with(kPdEntry, 0x80), 0b01101U) << "0x4000 is no multiple of 2 MiB";
  EXPECT_EQ(with(kPtEntry, std::uint64_t{1} << 40), 0b01101U) << "beyond 40 physical address bits";
}

TEST_F(PageWalk, AnAddressThatIsNotCanonicalIsNoPageFault) {
  const auto result = mmu.translate(VirtAddr{std::uint64_t{1} << 47}, TranslationAccess::Read, true, 1_us);
  ASSERT_FALSE(result);
  EXPECT_FALSE(result.error().canonical);
  EXPECT_TRUE(tables.reads.empty());
}

TEST_F(PageWalk, AddressesOfTheUpperHalfUseTheUpperHalfOfTheRootTable) {
  // 0xFFFF'8000'0000'0000: PML4 index 256, all others 0.
  tables.entries[0x1000 + 0x800] = 0x2000 | kAll;
  tables.entries[0x2000] = 0x3000 | kAll;
  tables.entries[0x3000] = 0x8020'0000 | kAll | 0x80;
  EXPECT_EQ(translate(TranslationAccess::Read, false, VirtAddr{0xFFFF'8000'0000'0010})->address, PhysAddr{0x8020'0010});
}

TEST_F(PageWalk, TheNeighbouringPageStartsAtTheCachedTable) {
  tables.entries[kPtEntry + 8] = 0x5000 | kAll;
  ASSERT_TRUE(translate());
  tables.reads.clear();
  ASSERT_TRUE(translate(TranslationAccess::Read, true, kAddress + kPageSize));
  EXPECT_EQ(tables.reads, (std::vector<std::uint64_t>{kPtEntry + 8}));
}

}  // namespace
}  // namespace sluice::mmu::tests
