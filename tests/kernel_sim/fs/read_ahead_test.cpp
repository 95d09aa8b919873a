// SPDX-License-Identifier: Apache-2.0
// Read-ahead against windows computed by hand from Linux's rules (mm/readahead.c, mm/filemap.c). Windows are seen as
// the requests that reach the disk; 128 KiB of read-ahead are 32 pages.
#include "kernel_sim/fs/read_ahead.h"

#include <gtest/gtest.h>

#include "tests/kernel_sim/fs/rig.h"

namespace sluice::fs {
namespace {

using Reads = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

TEST(ReadAheadWindow, InitialAndNextSizesFollowTheTable) {
  EXPECT_EQ(initial_window(1, 32), 4U);   // 1 <= 32/32: times 4
  EXPECT_EQ(initial_window(2, 32), 4U);   // 2 <= 32/4: times 2
  EXPECT_EQ(initial_window(5, 32), 16U);  // rounded to 8, times 2
  EXPECT_EQ(initial_window(9, 32), 32U);  // 16 > 8: all
  EXPECT_EQ(initial_window(100, 32), 32U);
  EXPECT_EQ(next_window(1, 32), 4U);  // 1 < 32/16: times 4
  EXPECT_EQ(next_window(2, 32), 4U);  // times 2
  EXPECT_EQ(next_window(16, 32), 32U);
  EXPECT_EQ(next_window(17, 32), 32U);
}

TEST(ReadAhead, SequentialPagesRampUpTo128KiB) {
  Rig rig;
  rig.fs_config.max_folio_order = 0;
  rig.run([&] {
    const auto file = rig.open("/data");
    for (int i = 0; i < 130; ++i) ASSERT_EQ(rig.read(*file, 4096), 4096U);
    // 4 at once, marker on page 1; then 8, 16, 32, 32, 32... each when the one before begins.
    EXPECT_EQ(rig.disk.take_reads(rig.first_page),
              (Reads{{0, 4}, {4, 8}, {12, 16}, {28, 32}, {60, 32}, {92, 32}, {124, 32}, {156, 32}}));
    EXPECT_EQ(rig.fs->statistics().page_misses, 1U);
    EXPECT_EQ(rig.fs->statistics().read_ahead_hits, 7U);
  });
}

TEST(ReadAhead, WindowsAreCutToBoundariesOfGrowingFolios) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data");
    for (int i = 0; i < 130; ++i) ASSERT_EQ(rig.read(*file, 4096), 4096U);
    // Order 2 from page 4 on: 4 to 11. Order 4 wants 12 to 27, cut at 16; what is left has room for order 2 only, so
    // the next one is order 4 again, which does not fit into 16 to 23 either. From 32 on order 5 cuts 48 and 80 off.
    EXPECT_EQ(
        rig.disk.take_reads(rig.first_page),
        (Reads{
            {0, 4}, {4, 8}, {12, 4}, {16, 8}, {24, 8}, {32, 16}, {48, 16}, {64, 32}, {96, 32}, {128, 32}, {160, 32}}));
    EXPECT_EQ(rig.fs->statistics().page_misses, 1U);
    EXPECT_EQ(rig.fs->statistics().read_ahead_hits, 10U);
  });
}

TEST(ReadAhead, ChunksOf64KiBStartWithTheWholeWindow) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data");
    // 16 pages asked: 16 > 32/4, so 32 with the marker behind the request at 16.
    ASSERT_EQ(rig.read(*file, 65536), 65536U);
    EXPECT_EQ(rig.disk.take_reads(rig.first_page), (Reads{{0, 32}}));
    ASSERT_EQ(rig.read(*file, 65536), 65536U);
    EXPECT_EQ(rig.disk.take_reads(rig.first_page), (Reads{{32, 32}}));
    ASSERT_EQ(rig.read(*file, 65536), 65536U);
    EXPECT_EQ(rig.disk.take_reads(rig.first_page), (Reads{{64, 32}}));  // marker on its first page
    ASSERT_EQ(rig.read(*file, 65536), 65536U);
    EXPECT_EQ(rig.disk.take_reads(rig.first_page), (Reads{}));
  });
}

TEST(ReadAhead, ARequestBeyondTheWindowIsReadUpToTheDisksLargestRequest) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data");
    // 64 pages: max becomes min(64, 320) = 64, read at once, with the marker half a window before its end. The read
    // itself meets it at page 32; a window does not shrink, so the next one is 64 to 127.
    ASSERT_EQ(rig.read(*file, 262144), 262144U);
    EXPECT_EQ(rig.disk.take_reads(rig.first_page), (Reads{{0, 64}, {64, 64}}));
  });
}

TEST(ReadAhead, SmallRandomReadsAreReadAsTheyAre) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data");
    for (const std::uint64_t page : {100U, 17U, 200U, 50U}) ASSERT_EQ(rig.read_at(*file, 8192, page * 4096), 8192U);
    EXPECT_EQ(rig.disk.take_reads(rig.first_page), (Reads{{100, 2}, {17, 2}, {200, 2}, {50, 2}}));
    // The page after the last one read makes it a stream: 1 page asked, 4 read.
    ASSERT_EQ(rig.read_at(*file, 4096, 52 * 4096), 4096U);
    EXPECT_EQ(rig.disk.take_reads(rig.first_page), (Reads{{52, 4}}));
  });
}

TEST(ReadAhead, AdviceRandomReadsExactlyAndSequentialDoubles) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data");
    ASSERT_TRUE(file->advise(0, 0, POSIX_FADV_RANDOM));
    ASSERT_EQ(rig.read(*file, 8192), 8192U);
    ASSERT_EQ(rig.read(*file, 4096), 4096U);
    EXPECT_EQ(rig.disk.take_reads(rig.first_page), (Reads{{0, 2}, {2, 1}}));
    ASSERT_TRUE(file->advise(0, 0, POSIX_FADV_SEQUENTIAL));
    ASSERT_EQ(rig.read_at(*file, 131072, 128 * 4096), 131072U);  // 32 pages of at most 64, neither start nor stream
    EXPECT_EQ(rig.disk.take_reads(rig.first_page), (Reads{{128, 32}}));
    ASSERT_EQ(rig.read_at(*file, 65536, 160 * 4096), 65536U);  // a stream: 16 <= 64/4: 32, marker at 16
    EXPECT_EQ(rig.disk.take_reads(rig.first_page), (Reads{{160, 32}}));
  });
}

TEST(ReadAhead, StopsAtTheEndOfTheFile) {
  Rig rig{{{"data", 6 * 4096 + 10, 1}}};
  rig.run([&] {
    const auto file = rig.open("/data");
    EXPECT_EQ(rig.read(*file, 65536), 6U * 4096 + 10);
    EXPECT_EQ(rig.disk.take_reads(rig.first_page), (Reads{{0, 7}}));
    EXPECT_EQ(rig.read(*file, 65536), 0U);
    const auto bytes = rig.user(rig.buffer, 6 * 4096 + 10);
    for (std::size_t i = 0; i < bytes.size(); ++i) ASSERT_EQ(bytes[i], pattern(i));
  });
}

TEST(ReadAhead, OffReadsPageByPage) {
  Rig rig;
  rig.fs_config.read_ahead = 0;
  rig.run([&] {
    const auto file = rig.open("/data");
    ASSERT_EQ(rig.read(*file, 3 * 4096), 3U * 4096);
    EXPECT_EQ(rig.disk.take_reads(rig.first_page), (Reads{{0, 1}, {1, 1}, {2, 1}}));
  });
}

TEST(ReadAhead, SpliceReadsAheadLikeRead) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data");
    FragmentQueue pipe{rig.frames, 16};
    EXPECT_EQ(file->splice_read(pipe, 1_MiB, nullptr, 0).value(), 65536U);
    EXPECT_EQ(rig.disk.take_reads(rig.first_page), (Reads{{0, 32}}));
    EXPECT_EQ(rig.fake.copied_bytes(), 0U);
    for (const auto& fragment : pipe.held)
      EXPECT_EQ(rig.fake.ledger().place_of(Frame::of(fragment.address)), Place::PageCache);
    pipe.consume(65536);
  });
}

TEST(MappedReadAhead, AFaultReadsAroundItself) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data");
    const VirtAddr at = rig.space->map(VirtAddr{}, 1_MiB, PROT_READ, MAP_SHARED, file->mapped_object(), 0).value();
    EXPECT_EQ(rig.user(at + 100 * 4096, 1)[0], pattern(100 * 4096));
    // 100 - 16 = 84, 32 pages, marker 8 before the end: 108.
    EXPECT_EQ(rig.disk.take_reads(rig.first_page), (Reads{{84, 32}}));
    EXPECT_EQ(rig.space->faults().major, 1U);
    rig.user(at + 107 * 4096, 1);
    EXPECT_EQ(rig.disk.take_reads(rig.first_page), (Reads{}));
    rig.user(at + 108 * 4096, 1);  // the marker faults by itself and starts the next window: 116, 32 pages
    EXPECT_EQ(rig.disk.take_reads(rig.first_page), (Reads{{116, 32}}));
    rig.user(at + 3 * 4096, 1);
    EXPECT_EQ(rig.disk.take_reads(rig.first_page), (Reads{{0, 32}}));
  });
}

TEST(MappedReadAhead, AdviceRandomReadsOnePage) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data");
    const VirtAddr at = rig.space->map(VirtAddr{}, 1_MiB, PROT_READ, MAP_SHARED, file->mapped_object(), 0).value();
    ASSERT_TRUE(rig.space->advise(at, 1_MiB, MADV_RANDOM));
    rig.user(at + 100 * 4096, 1);
    EXPECT_EQ(rig.disk.take_reads(rig.first_page), (Reads{{100, 1}}));
  });
}

TEST(MappedReadAhead, StopsWhenItMissesMuchMoreThanItHits) {
  Rig rig{{{"data", 32_MiB, 1}}, 16384, 64_MiB};
  rig.run([&] {
    const auto file = rig.open("/data");
    const VirtAddr at = rig.space->map(VirtAddr{}, 32_MiB, PROT_READ, MAP_SHARED, file->mapped_object(), 0).value();
    rig.fs_config.mmap_lots_of_misses = 3;
    rig.mm_config.fault_around = 1;
    for (std::uint64_t i = 1; i <= 5; ++i) rig.user(at + i * 1000 * 4096, 1);
    EXPECT_EQ(rig.disk.take_reads(rig.first_page), (Reads{{984, 32}, {1984, 32}, {2984, 32}, {4000, 1}, {5000, 1}}));
  });
}

}  // namespace
}  // namespace sluice::fs
