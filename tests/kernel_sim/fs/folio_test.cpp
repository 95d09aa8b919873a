// SPDX-License-Identifier: Apache-2.0
// Folios of the page cache. Layouts and fault counts are those of Linux 6.18 on ext4, read there from /proc/kpageflags
// and getrusage for the same calls.
#include <gtest/gtest.h>

#include "kernel_sim/fs/regular_file.h"
#include "tests/kernel_sim/fs/rig.h"

namespace sluice::fs {
namespace {

/// (pages of a folio, how many of them in a row), from the file's beginning.
using Layout = std::vector<std::pair<unsigned, unsigned>>;

class FolioRig : public Rig {
 public:
  explicit FolioRig(Bytes size, Bytes memory_size = 64_MiB, Bytes disk_size = 64_MiB)
      : Rig({{"data", size, 1}}, static_cast<std::uint32_t>(memory_size / kPageSize), disk_size) {}

  Inode& inode(const std::shared_ptr<File>& file) { return dynamic_cast<RegularFile&>(*file).inode(); }
  Layout layout(const std::shared_ptr<File>& file) {
    PageCache& cache = inode(file).cache();
    Layout layout;
    for (std::uint64_t index = 0; index < inode(file).size_in_pages();) {
      EXPECT_NE(cache.find(index), nullptr) << index;
      if (cache.find(index) == nullptr) break;
      const mm::Folio folio = cache.folio_of(index);
      EXPECT_EQ(folio.first, index);
      EXPECT_EQ(folio.frame.number() % folio.pages, 0U);
      EXPECT_EQ(frames.head_of(folio.frame), folio.frame);
      if (!layout.empty() && layout.back().first == folio.pages) {
        ++layout.back().second;
      } else {
        layout.emplace_back(folio.pages, 1);
      }
      index = folio.end();
    }
    return layout;
  }
  void write_all(const std::shared_ptr<File>& file, Bytes size, Bytes chunk) {
    std::vector<std::byte> bytes(chunk);
    set_user(buffer, bytes);
    for (Bytes done = 0; done < size;) {
      const Bytes piece = std::min(chunk, size - done);
      ASSERT_EQ(file->write(*memory, buffer, piece, nullptr).value(), piece);
      done += piece;
    }
  }
  void read_all(const std::shared_ptr<File>& file, Bytes chunk) {
    while (file->read(*memory, buffer, chunk, nullptr).value() > 0) {
    }
  }
  VirtAddr map(const std::shared_ptr<File>& file, int protection = PROT_READ) {
    return space->map(VirtAddr{}, inode(file).size(), protection, MAP_SHARED, file->mapped_object(), 0).value();
  }
  std::uint64_t faults_of_touching(const std::shared_ptr<File>& file) {
    const VirtAddr at = map(file);
    const auto before = space->faults().minor;
    for (Bytes offset = 0; offset < inode(file).size(); offset += kPageSize) user(at + offset, 1);
    const auto faults = space->faults().minor - before;
    EXPECT_TRUE(space->unmap(at, inode(file).size()));
    return faults;
  }
};

struct Written {
  Bytes chunk;
  Layout layout;
  std::uint64_t faults;
};

class WrittenFile : public testing::TestWithParam<Written> {};

TEST_P(WrittenFile, LiesInFoliosAsLargeAsTheWritesAndIsMappedByThem) {
  FolioRig rig{0};
  rig.run([&] {
    const auto file = rig.open("/data", O_RDWR);
    rig.write_all(file, 16_MiB, GetParam().chunk);
    EXPECT_EQ(rig.layout(file), GetParam().layout);
    EXPECT_EQ(rig.faults_of_touching(file), GetParam().faults);
  });
}

TEST_P(WrittenFile, IsWhatPreloadingMakesOfTheDisk) {
  FolioRig rig{16_MiB};
  rig.fs_config.preload_written = true;
  rig.fs_config.preload_call_size = GetParam().chunk;
  rig.run([&] {
    ASSERT_TRUE(rig.fs->preload("/data"));
    const auto file = rig.open("/data");
    EXPECT_EQ(rig.layout(file), GetParam().layout);
    EXPECT_EQ(rig.faults_of_touching(file), GetParam().faults);
    EXPECT_TRUE(rig.disk.records.empty());
    ASSERT_EQ(rig.read_at(*file, 1_MiB, 3_MiB), 1_MiB);
    const auto bytes = rig.user(rig.buffer, 1_MiB);
    for (std::size_t i = 0; i < bytes.size(); ++i) ASSERT_EQ(bytes[i], pattern(3_MiB + i));
  });
}

INSTANTIATE_TEST_SUITE_P(Host, WrittenFile,
                         testing::Values(Written{4096, {{1, 4096}}, 256}, Written{8192, {{2, 2048}}, 256},
                                         Written{65536, {{16, 256}}, 256}, Written{262144, {{64, 64}}, 67},
                                         Written{1_MiB, {{256, 16}}, 31}, Written{2_MiB, {{512, 8}}, 8},
                                         Written{4_MiB, {{512, 8}}, 8}),
                         [](const auto& test) { return std::to_string(test.param.chunk); });

TEST(Folio, WritesThatAreNotAlignedMakeSmallerOnes) {
  FolioRig rig{0};
  rig.run([&] {
    const auto file = rig.open("/data", O_RDWR);
    rig.write_all(file, 8 * 12288, 12288);
    // 2 + 1, then 1 at page 3 and 2 at page 4.
    EXPECT_EQ(rig.layout(file), (Layout{{2, 1}, {1, 2}, {2, 2}, {1, 2}, {2, 2}, {1, 2}, {2, 2}, {1, 2}, {2, 1}}));
  });
  FolioRig odd{0};
  odd.run([&] {
    const auto file = odd.open("/data", O_RDWR);
    odd.write_all(file, 500'000, 100'000);
    const auto layout = odd.layout(file);
    const Layout host{{16, 1}, {8, 1}, {1, 2}, {2, 1}, {4, 1}, {16, 1}, {1, 2}, {2, 1}, {4, 1}, {8, 2}};
    ASSERT_GE(layout.size(), host.size());
    EXPECT_EQ(Layout(layout.begin(), layout.begin() + static_cast<std::ptrdiff_t>(host.size())), host);
  });
}

TEST(Folio, TheEndOfAFileIsInSmallerOnes) {
  FolioRig rig{(10_MiB + 300'000)};
  rig.fs_config.preload_written = true;
  rig.run([&] {
    ASSERT_TRUE(rig.fs->preload("/data"));
    const auto file = rig.open("/data");
    EXPECT_EQ(rig.layout(file), (Layout{{256, 10}, {64, 1}, {8, 1}, {1, 2}}));
    EXPECT_EQ(rig.faults_of_touching(file), 12U);  // 10 + 1 + a window for the rest
  });
}

struct ReadIn {
  Bytes chunk;
  Layout layout;
  std::uint64_t faults;
};

class ReadFile : public testing::TestWithParam<ReadIn> {};

TEST_P(ReadFile, LiesInFoliosThatGrowWithTheWindows) {
  FolioRig rig{16_MiB};
  rig.fs_config.read_ahead = 8_MiB;
  rig.disk.m_limits.max_transfer = 128_KiB;
  rig.run([&] {
    const auto file = rig.open("/data");
    rig.read_all(file, GetParam().chunk);
    EXPECT_EQ(rig.layout(file), GetParam().layout);
    EXPECT_EQ(rig.faults_of_touching(file), GetParam().faults);
  });
}

TEST_P(ReadFile, IsWhatPreloadingMakesOfTheDisk) {
  FolioRig rig{16_MiB};
  rig.fs_config.read_ahead = 8_MiB;
  rig.fs_config.preload_call_size = GetParam().chunk;
  rig.run([&] {
    ASSERT_TRUE(rig.fs->preload("/data"));
    const auto file = rig.open("/data");
    EXPECT_EQ(rig.layout(file), GetParam().layout);
    EXPECT_EQ(rig.faults_of_touching(file), GetParam().faults);
    EXPECT_TRUE(rig.disk.records.empty());
    ASSERT_EQ(rig.read_at(*file, 1_MiB, 3_MiB), 1_MiB);
    EXPECT_TRUE(rig.disk.records.empty());
    const auto bytes = rig.user(rig.buffer, 1_MiB);
    for (std::size_t i = 0; i < bytes.size(); ++i) ASSERT_EQ(bytes[i], pattern(3_MiB + i));
  });
}

INSTANTIATE_TEST_SUITE_P(Host, ReadFile,
                         testing::Values(ReadIn{65536, {{1, 64}, {4, 64}, {16, 32}, {64, 17}, {128, 1}, {256, 8}}, 93},
                                         ReadIn{
                                             131072, {{1, 128}, {4, 64}, {16, 32}, {64, 16}, {128, 1}, {256, 8}}, 96},
                                         ReadIn{1_MiB, {{1, 512}, {4, 256}, {16, 128}, {64, 8}}, 235}),
                         [](const auto& test) { return std::to_string(test.param.chunk); });

struct Warm {
  Bytes size;
  std::uint64_t faults;
};

class WarmFile : public testing::TestWithParam<Warm> {};

TEST_P(WarmFile, TakesTheFaultsOfTheHost) {
  FolioRig rig{GetParam().size, 320_MiB, 320_MiB};
  rig.fs_config.read_ahead = 8_MiB;
  rig.run([&] {
    ASSERT_TRUE(rig.fs->preload("/data"));
    EXPECT_EQ(rig.faults_of_touching(rig.open("/data")), GetParam().faults);
  });
}

INSTANTIATE_TEST_SUITE_P(Host, WarmFile,
                         testing::Values(Warm{16_MiB, 235}, Warm{40_MiB, 269}, Warm{64_MiB, 281}, Warm{256_MiB, 377}),
                         [](const auto& test) { return std::to_string(test.param.size >> 20) + "MiB"; });

TEST(Folio, OlderKernelsHaveSinglePages) {
  FolioRig rig{1_MiB};
  rig.fs_config.max_folio_order = 0;
  rig.run([&] {
    const auto file = rig.open("/data", O_RDWR);
    rig.read_all(file, 65536);
    EXPECT_EQ(rig.layout(file), (Layout{{1, 256}}));
    rig.write_all(file, 2_MiB, 1_MiB);
    EXPECT_EQ(rig.layout(file), (Layout{{1, 512 + 256}}));
  });
}

TEST(Folio, SmallerOnesServeWhereMemoryIsInPieces) {
  FolioRig rig{0};
  rig.run([&] {
    // Every 16th frame of a part of memory stays taken, and all of the rest.
    std::vector<Frame> part;
    std::vector<Frame> held;
    for (int i = 0; i < 4096; ++i) part.push_back(rig.frames.allocate_at_boot(Place::KernelMemory).value());
    for (unsigned order = 10; order-- > 0;) {
      while (const auto block = rig.frames.allocate_at_boot(Place::KernelMemory, order)) held.push_back(*block);
    }
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (part[i].number() % 16 == 15) {
        held.push_back(part[i]);
      } else {
        rig.frames.put_at_shutdown(part[i]);
      }
    }
    const auto file = rig.open("/data", O_RDWR);
    rig.write_all(file, 256_KiB, 64_KiB);
    const auto layout = rig.layout(file);
    EXPECT_EQ(layout.front().first, 8U);
    for (const auto& [pages, count] : layout) EXPECT_LE(pages, 8U) << count;
    for (const auto frame : held) rig.frames.put_at_shutdown(frame);
  });
}

// --- truncation ---

TEST(FolioTruncate, SplitsTheFolioAndFreesWhatLiesBehind) {
  FolioRig rig{1_MiB};
  rig.fs_config.preload_written = true;
  rig.run([&] {
    ASSERT_TRUE(rig.fs->preload("/data"));
    const auto file = rig.open("/data", O_RDWR);
    const auto before = rig.frames.held_frames(Place::PageCache);
    ASSERT_TRUE(file->truncate(100 * kPageSize + 10));
    EXPECT_EQ(rig.frames.held_frames(Place::PageCache), before - 155);
    // Halved around page 100, in which the file ends.
    EXPECT_EQ(rig.layout(file), (Layout{{64, 1}, {32, 1}, {4, 1}, {1, 1}}));
    ASSERT_EQ(rig.read_at(*file, 1_MiB, 0), 100 * kPageSize + 10);
    const auto bytes = rig.user(rig.buffer, 100 * kPageSize + 10);
    for (std::size_t i = 0; i < bytes.size(); ++i) ASSERT_EQ(bytes[i], pattern(i));
    ASSERT_TRUE(file->truncate(1_MiB));
    ASSERT_EQ(rig.read_at(*file, 1_MiB, 0), 1_MiB);
    const auto grown = rig.user(rig.buffer, 1_MiB);
    for (std::size_t i = 100 * kPageSize + 10; i < grown.size(); ++i) ASSERT_EQ(grown[i], std::byte{0});
  });
}

TEST(FolioTruncate, AFolioThatAPipeHoldsStaysWholeAndIsZeroBehindTheEnd) {
  FolioRig rig{1_MiB};
  rig.fs_config.preload_written = true;
  rig.run([&] {
    ASSERT_TRUE(rig.fs->preload("/data"));
    const auto file = rig.open("/data", O_RDWR);
    FragmentQueue pipe{rig.frames, 16};
    ASSERT_EQ(file->splice_read(pipe, 65536, nullptr, 0).value(), 65536U);
    ASSERT_TRUE(file->truncate(4 * kPageSize));
    EXPECT_EQ(rig.inode(file).cache().folio_of(0).pages, 256U);
    EXPECT_EQ(rig.fake.bytes(pipe.held[3].address, 1)[0], pattern(3 * kPageSize));
    EXPECT_EQ(rig.fake.bytes(pipe.held[4].address, 1)[0], std::byte{0});
    EXPECT_EQ(rig.fs->dirty_pages(), 0U);
    pipe.consume(65536);
    // What is written behind it comes to lie in the folio's pages, and the rest reads as zero.
    rig.write_at(*file, std::vector<std::byte>(10, std::byte{1}), 8 * kPageSize);
    ASSERT_EQ(rig.read_at(*file, 1_MiB, 0), 8 * kPageSize + 10);
    EXPECT_EQ(rig.user(rig.buffer + 5 * kPageSize, 1)[0], std::byte{0});
    EXPECT_EQ(rig.user(rig.buffer + 8 * kPageSize, 1)[0], std::byte{1});
  });
}

TEST(FolioTruncate, MappedPagesBehindTheEndGetSigbus) {
  FolioRig rig{1_MiB};
  rig.fs_config.preload_written = true;
  rig.run([&] {
    ASSERT_TRUE(rig.fs->preload("/data"));
    const auto file = rig.open("/data", O_RDWR);
    const VirtAddr at = rig.map(file);
    rig.user(at, 1_MiB);
    FragmentQueue pipe{rig.frames, 1};
    ASSERT_EQ(file->splice_read(pipe, 4096, nullptr, 0).value(), 4096U);  // so that the folio stays whole
    ASSERT_TRUE(file->truncate(4 * kPageSize));
    EXPECT_EQ(rig.user(at + 4 * kPageSize - 1, 1)[0], pattern(4 * kPageSize - 1));
    std::byte byte{};
    EXPECT_EQ(rig.memory->program_load(at + 4 * kPageSize, std::span{&byte, 1}), mm::FaultOutcome::BusError);
    pipe.consume(4096);
  });
}

// --- dropping, dirtiness ---

TEST(Folio, AdviceDropsOnlyFoliosThatLieInTheRange) {
  FolioRig rig{4_MiB};
  rig.fs_config.preload_written = true;
  rig.run([&] {
    ASSERT_TRUE(rig.fs->preload("/data"));
    const auto file = rig.open("/data");
    ASSERT_TRUE(file->advise(1_MiB - 4096, 2_MiB, POSIX_FADV_DONTNEED));
    EXPECT_EQ(rig.fs->cached_pages(), 3U * 256U);
    EXPECT_EQ(rig.inode(file).cache().find(256), nullptr);
    EXPECT_NE(rig.inode(file).cache().find(255), nullptr);
    EXPECT_NE(rig.inode(file).cache().find(512), nullptr);
  });
}

TEST(Folio, AWriteDirtiesItsPagesAndAMappingTheWholeFolio) {
  FolioRig rig{2_MiB};
  rig.fs_config.preload_written = true;
  rig.run([&] {
    ASSERT_TRUE(rig.fs->preload("/data"));
    const auto file = rig.open("/data", O_RDWR);
    rig.write_at(*file, std::vector<std::byte>(6000, std::byte{1}), 10 * kPageSize);
    EXPECT_EQ(rig.fs->dirty_pages(), 2U);
    ASSERT_TRUE(file->sync());
    EXPECT_EQ(rig.fs->dirty_pages(), 0U);
    const VirtAddr at = rig.map(file, PROT_READ | PROT_WRITE);
    rig.set_user(at + 1_MiB + 5, std::vector<std::byte>{std::byte{7}});
    EXPECT_EQ(rig.fs->dirty_pages(), 256U);
    ASSERT_TRUE(file->sync());
    EXPECT_EQ(rig.fs->dirty_pages(), 0U);
    EXPECT_EQ(rig.disk.bytes[rig.first_page * kPageSize + 1_MiB + 5], std::byte{7});
    EXPECT_EQ(rig.disk.bytes[rig.first_page * kPageSize + 10 * kPageSize], std::byte{1});
    EXPECT_EQ(rig.disk.bytes[rig.first_page * kPageSize + 12 * kPageSize], pattern(12 * kPageSize));
  });
}

TEST(Folio, DirectWritesTakeTheWholeFolioOutAndLoseNothingOfIt) {
  FolioRig rig{1_MiB};
  rig.fs_config.preload_written = true;
  rig.run([&] {
    ASSERT_TRUE(rig.fs->preload("/data"));
    const auto file = rig.open("/data", O_RDWR);
    const auto direct = rig.open("/data", O_RDWR | O_DIRECT);
    rig.write_at(*file, std::vector<std::byte>(10, std::byte{1}), 200 * kPageSize);
    rig.write_at(*direct, std::vector<std::byte>(4096, std::byte{2}), 5 * kPageSize);
    EXPECT_EQ(rig.fs->cached_pages(), 0U);
    ASSERT_EQ(rig.read_at(*file, 1, 5 * kPageSize), 1U);
    EXPECT_EQ(rig.user(rig.buffer, 1)[0], std::byte{2});
    ASSERT_EQ(rig.read_at(*file, 1, 200 * kPageSize + 9), 1U);
    EXPECT_EQ(rig.user(rig.buffer, 1)[0], std::byte{1});
  });
}

TEST(Folio, MemoryPressureFreesWholeFoliosThatNobodyHolds) {
  FolioRig rig{16_MiB, 24_MiB};
  rig.fs_config.preload_written = true;
  rig.run([&] {
    ASSERT_TRUE(rig.fs->preload("/data"));
    const auto file = rig.open("/data");
    FragmentQueue pipe{rig.frames, 1};
    ASSERT_EQ(file->splice_read(pipe, 4096, nullptr, 0).value(), 4096U);
    std::vector<Frame> held;
    for (int i = 0; i < 4096; ++i) held.push_back(rig.frames.allocate(Place::UserBuffer).value());
    EXPECT_LT(rig.fs->cached_pages(), 4096U);
    EXPECT_EQ(rig.fs->cached_pages() % 256, 0U);
    EXPECT_NE(rig.inode(file).cache().find(255), nullptr);  // a page of it is in the pipe
    pipe.consume(4096);
    for (const auto frame : held) rig.frames.put(frame);
  });
}

// --- costs ---

TEST(FolioCosts, LookUpsAreByFolioAndPipeSlotsByPage) {
  const auto time_of = [](Bytes call, Picoseconds lookup, Picoseconds splice) {
    FolioRig rig{1_MiB};
    rig.fs_config.preload_written = true;
    rig.fs_config.preload_call_size = call;
    rig.fs_config.page_lookup = CpuCost::time(lookup);
    rig.fs_config.page_splice = CpuCost::time(splice);
    Picoseconds time;
    rig.run([&] {
      ASSERT_TRUE(rig.fs->preload("/data"));
      const auto file = rig.open("/data");
      FragmentQueue pipe{rig.frames, 16};
      const auto begin = rig.machine.cpu.now();
      ASSERT_EQ(file->splice_read(pipe, 65536, nullptr, 0).value(), 65536U);
      time = rig.machine.cpu.now() - begin;
      pipe.consume(65536);
    });
    return time;
  };
  for (const Bytes folio : {Bytes{4096}, 16_KiB, 1_MiB}) {
    const auto rest = time_of(folio, 0_ns, 0_ns);
    EXPECT_EQ(time_of(folio, 1_us, 0_ns) - rest, Picoseconds{1_us} * std::max<Bytes>(65536 / folio, 1));
    EXPECT_EQ(time_of(folio, 0_ns, 1_us) - rest, 16_us);
  }
}

}  // namespace
}  // namespace sluice::fs
