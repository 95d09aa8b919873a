// SPDX-License-Identifier: Apache-2.0
// The rules of cache_hierarchy.h, each by a small story with hand-counted results.
#include "models/cache/cache_hierarchy.h"

#include <gtest/gtest.h>

#include "models/base/result.h"

namespace sluice::cache {
namespace {

using fabric::AccessKind;
using fabric::HitLevel;

/// L1 of 2 pages, L2 of 4, LLC of 8: each level one group, so that capacity in whole pages is the number of ways.
CacheConfig small() {
  CacheConfig config;
  config.l1 = {2 * kPageSize, 2};
  config.l2 = {4 * kPageSize, 4};
  config.llc = {8 * kPageSize, 8};
  return config;
}

LineSpan page(unsigned number) { return LineSpan::of(PhysAddr{number * kPageSize}, kPageSize); }
unsigned at(const CoreOutcome& outcome, HitLevel level) { return outcome.lines[static_cast<std::size_t>(level)]; }

TEST(LineMasks, TouchedAndCoveredLinesOfUnalignedRanges) {
  EXPECT_EQ(lines_touched(0, 4096), kWholePage);
  EXPECT_EQ(lines_covered(0, 4096), kWholePage);
  EXPECT_EQ(lines_touched(0, 1), 1U);
  EXPECT_EQ(lines_covered(0, 1), 0U);
  EXPECT_EQ(lines_touched(63, 2), 0b11U);
  EXPECT_EQ(lines_covered(63, 2), 0U);
  EXPECT_EQ(lines_touched(32, 160), 0b111U);
  EXPECT_EQ(lines_covered(32, 160), 0b110U);
  EXPECT_EQ(lines_touched(4095, 1), LineMask{1} << 63);
  EXPECT_EQ(lines_covered(4032, 64), LineMask{1} << 63);
}

TEST(CacheHierarchy, AMissFillsEveryLevel) {
  CacheHierarchy caches{small(), 1};
  const CoreOutcome first = caches.access(0, page(5), AccessKind::Read);
  EXPECT_EQ(at(first, HitLevel::Memory), 64U);
  EXPECT_EQ(first.dram_read, 4096U);
  EXPECT_EQ(caches.in_l1(0, Frame{5}).valid, kWholePage);
  EXPECT_EQ(caches.in_l2(0, Frame{5}).valid, kWholePage);
  EXPECT_EQ(caches.in_llc(Frame{5}).valid, kWholePage);
  EXPECT_EQ(at(caches.access(0, page(5), AccessKind::Read), HitLevel::L1), 64U);
}

TEST(CacheHierarchy, TheLeastRecentlyUsedPageLeavesEachLevelAtItsCapacity) {
  CacheHierarchy caches{small(), 1};
  for (unsigned p = 0; p < 8; ++p) caches.access(0, page(p), AccessKind::Read);
  // L1 holds 6 7, L2 4 5 6 7, LLC 0 to 7.
  EXPECT_EQ(at(caches.access(0, page(6), AccessKind::Read), HitLevel::L1), 64U);
  EXPECT_EQ(at(caches.access(0, page(4), AccessKind::Read), HitLevel::L2), 64U);
  EXPECT_EQ(at(caches.access(0, page(0), AccessKind::Read), HitLevel::Llc), 64U);
  // The LLC saw 1 2 3 4 5 6 7 0 last used in that order (4 and 6 hit above it), so 1 is its victim.
  caches.access(0, page(8), AccessKind::Read);
  EXPECT_EQ(caches.in_llc(Frame{1}).valid, 0U);
  EXPECT_EQ(caches.in_llc(Frame{0}).valid, kWholePage);
}

TEST(CacheHierarchy, DirtyPagesReachMemoryOnlyWhenTheyLeaveTheLastLevel) {
  CacheHierarchy caches{small(), 1};
  Bytes written = 0;
  for (unsigned p = 0; p < 8; ++p) written += caches.access(0, page(p), AccessKind::Write).dram_written;
  EXPECT_EQ(written, 0U);
  written += caches.access(0, page(8), AccessKind::Read).dram_written;
  EXPECT_EQ(written, 4096U) << "page 0 left the LLC, which had taken its dirty lines from L2";
}

TEST(CacheHierarchy, AStoreMissReadsTheLineUnlessItCoversIt) {
  CacheHierarchy caches{small(), 1};
  EXPECT_EQ(caches.access(0, page(1), AccessKind::Write).dram_read, 0U);
  EXPECT_EQ(caches.counts().unfetched_lines, 64U);
  // 100 bytes from offset 10 touch two lines and cover none; 32 to 192 touches three and covers two.
  EXPECT_EQ(caches.access(0, LineSpan::of(PhysAddr{0x2000 + 10}, 100), AccessKind::Write).dram_read, 128U);
  EXPECT_EQ(caches.access(0, LineSpan::of(PhysAddr{0x3000 + 32}, 160), AccessKind::Write).dram_read, 64U);

  CacheConfig fetching = small();
  fetching.no_fetch_full_line_writes = false;
  CacheHierarchy ordinary{fetching, 1};
  EXPECT_EQ(ordinary.access(0, page(1), AccessKind::Write).dram_read, 4096U);
}

TEST(CacheHierarchy, ReadingWhatAnotherCoreWroteComesFromThatCore) {
  CacheHierarchy caches{small(), 2};
  caches.access(0, page(3), AccessKind::Write);
  const CoreOutcome read = caches.access(1, page(3), AccessKind::Read);
  EXPECT_EQ(at(read, HitLevel::Peer), 64U);
  EXPECT_EQ(read.dram_read, 0U);
  EXPECT_EQ(caches.in_l1(0, Frame{3}), (Held{kWholePage, 0})) << "the writer keeps it, clean";
  EXPECT_EQ(caches.in_llc(Frame{3}), (Held{kWholePage, kWholePage})) << "the data went to the LLC";
  EXPECT_EQ(at(caches.access(0, page(3), AccessKind::Read), HitLevel::L1), 64U);
}

TEST(CacheHierarchy, AWriteLeavesNoCopyInOtherCores) {
  CacheHierarchy caches{small(), 3};
  for (unsigned core = 0; core < 3; ++core) caches.access(core, page(3), AccessKind::Read);
  caches.access(1, LineSpan::of(PhysAddr{0x3000}, 128), AccessKind::Write);
  EXPECT_EQ(caches.in_l1(0, Frame{3}).valid, ~LineMask{3});
  EXPECT_EQ(caches.in_l2(2, Frame{3}).valid, ~LineMask{3});
  EXPECT_EQ(caches.in_l1(1, Frame{3}), (Held{kWholePage, 3}));
  EXPECT_EQ(caches.counts().core_invalidations, 4U);
  EXPECT_EQ(at(caches.access(2, LineSpan::of(PhysAddr{0x3000}, 64), AccessKind::Read), HitLevel::Peer), 1U);
}

TEST(CacheHierarchy, ADeviceWriteGoesToTheLastLevelWithDdio) {
  CacheHierarchy caches{small(), 1};
  caches.access(0, page(2), AccessKind::Write);
  const DeviceOutcome hit = caches.device_write(page(2));
  EXPECT_EQ(hit, (DeviceOutcome{.hits = 64}));
  EXPECT_EQ(caches.in_l1(0, Frame{2}).valid, 0U);
  EXPECT_EQ(caches.in_l2(0, Frame{2}).valid, 0U);
  EXPECT_EQ(caches.device_write(page(4)), (DeviceOutcome{.misses = 64}));
  EXPECT_EQ(at(caches.access(0, page(4), AccessKind::Read), HitLevel::Llc), 64U);
}

TEST(CacheHierarchy, DeviceAllocationsDisplaceEachOtherBeyondTheirWays) {
  CacheHierarchy caches{small(), 1};
  for (unsigned p = 0; p < 6; ++p) caches.access(0, page(p), AccessKind::Read);
  EXPECT_EQ(caches.device_write(page(10)).dram_written, 0U);
  EXPECT_EQ(caches.device_write(page(11)).dram_written, 0U);
  EXPECT_EQ(caches.device_write(page(12)).dram_written, 4096U) << "the third displaces the first, which is dirty";
  EXPECT_EQ(caches.in_llc(Frame{10}).valid, 0U);
  EXPECT_EQ(caches.in_llc(Frame{11}).valid, kWholePage);
  for (unsigned p = 0; p < 6; ++p) EXPECT_EQ(caches.in_llc(Frame{p}).valid, kWholePage) << "page " << p;
}

TEST(CacheHierarchy, APartlyWrittenLineIsCompletedFromMemoryOnlyWhenNoCacheHasIt) {
  CacheHierarchy caches{small(), 1};
  EXPECT_EQ(caches.device_write(LineSpan::of(PhysAddr{0x9000}, 16)).dram_read, 64U);
  EXPECT_EQ(caches.device_write(LineSpan::of(PhysAddr{0x9010}, 16)).dram_read, 0U);
}

TEST(CacheHierarchy, ADeviceWriteWithoutDdioGoesToMemoryAndEmptiesTheCaches) {
  CacheConfig config = small();
  config.ddio = false;
  CacheHierarchy caches{config, 1};
  caches.access(0, page(2), AccessKind::Write);
  EXPECT_EQ(caches.device_write(page(2)), (DeviceOutcome{.misses = 64, .dram_written = 4096}));
  EXPECT_EQ(caches.in_llc(Frame{2}).valid, 0U);
  EXPECT_EQ(at(caches.access(0, page(2), AccessKind::Read), HitLevel::Memory), 64U);
}

TEST(CacheHierarchy, ADeviceReadIsServedByAnyCacheAndChangesNothing) {
  CacheHierarchy caches{small(), 2};
  caches.access(1, LineSpan::of(PhysAddr{0x6000}, 1024), AccessKind::Write);
  EXPECT_EQ(caches.device_read(page(6)), (DeviceOutcome{.hits = 16, .misses = 48, .dram_read = 48 * 64}));
  EXPECT_EQ(caches.device_read(page(6)).misses, 48U) << "a device read allocates nothing";
  EXPECT_EQ(caches.in_l1(1, Frame{6}).dirty, 0xFFFFU);
}

TEST(CacheHierarchy, ColdMeansThatNothingIsFound) {
  CacheHierarchy caches{small(), 1};
  caches.access(0, page(1), AccessKind::Write);
  caches.access(0, page(2), AccessKind::Read);
  caches.drop(page(2));
  EXPECT_EQ(at(caches.access(0, page(2), AccessKind::Read), HitLevel::Memory), 64U);
  caches.clear();
  EXPECT_EQ(at(caches.access(0, page(1), AccessKind::Read), HitLevel::Memory), 64U);
  EXPECT_EQ(caches.counts().dram_written, 0U);
}

TEST(CacheConfig, RefusesGeometriesThatCannotBeBuilt) {
  CacheConfig config;
  EXPECT_NO_THROW(config.check());
  EXPECT_EQ(config.llc.sets(), 40'960U) << "a number of sets that is no power of two";
  config.llc.size = 27_MiB;
  EXPECT_THROW(config.check(), base::InputError);
  config = CacheConfig{};
  config.ddio_ways = 12;
  EXPECT_THROW(config.check(), base::InputError);
  config.ddio = false;
  EXPECT_NO_THROW(config.check());
}

}  // namespace
}  // namespace sluice::cache
