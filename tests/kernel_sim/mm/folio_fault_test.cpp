// SPDX-License-Identifier: Apache-2.0
// Faults on files whose page cache has large folios. The counts are those that Linux 6.18 gives on the same layouts.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include "models/mmu/page_table_format.h"
#include "tests/kernel_sim/mm/rig.h"

namespace sluice::mm {
namespace {

constexpr std::uint64_t kTable = 512;  // pages that one page table maps

struct Mapped {
  Mapped(Rig& rig, std::uint64_t pages, unsigned order, int flags = MAP_SHARED, int protection = PROT_READ)
      : object(std::make_shared<PagesObject>(rig, pages)), size(pages * kPageSize), m_rig(rig) {
    object->cache_all(order);
    at = rig.space->map(VirtAddr{}, size, protection, flags, object, 0).value();
  }
  ~Mapped() { EXPECT_TRUE(m_rig.space->unmap(at, size)); }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  /// Faults of touching every page in order.
  std::uint64_t touch_all() {
    const auto before = m_rig.space->faults().minor;
    for (std::uint64_t page = 0; page < object->pages; ++page) {
      EXPECT_EQ(m_rig.load(at + page * kPageSize, 1).at(0), static_cast<std::byte>(page + 1)) << page;
    }
    return m_rig.space->faults().minor - before;
  }
  std::shared_ptr<PagesObject> object;
  Bytes size;
  VirtAddr at;

 private:
  Rig& m_rig;
};

TEST(FolioFault, OneFaultMapsAFolioExceptTheLast) {
  Rig rig;
  rig.run([&] {
    // 4 folios of 256 pages, two to a page table. The last one reaches the end of the file: 16 windows of 16 pages.
    Mapped file{rig, 1024, 8};
    EXPECT_EQ(file.touch_all(), 3U + 16U);
    EXPECT_EQ(rig.space->faults().major, 0U);
    EXPECT_EQ(file.object->faults, 0U);  // all by fault-around
  });
  EXPECT_TRUE(rig.frames.breaches().empty());
}

TEST(FolioFault, TheLastFolioIsMappedAtOnceWhereItBeginsAPageTable) {
  Rig rig;
  rig.run([&] {
    // No table yet and the folio reaches the end: fault-around gives up, and the fault itself maps all of it.
    Mapped file{rig, 768, 8};
    EXPECT_EQ(file.touch_all(), 3U);
    EXPECT_EQ(file.object->faults, 1U);
  });
}

TEST(FolioFault, FoliosOfTheWindowsSizeAndBelowTakeAFaultPerWindow) {
  for (const unsigned order : {0U, 2U, 4U}) {
    Rig rig;
    rig.run([&] {
      Mapped file{rig, 1024, order};
      EXPECT_EQ(file.touch_all(), 64U) << order;
    });
  }
}

TEST(FolioFault, OlderKernelsMapTheWindowOnly) {
  Rig rig;
  rig.config.fault_whole_folio = false;
  rig.run([&] {
    Mapped file{rig, 1024, 8};
    EXPECT_EQ(file.touch_all(), 64U);
  });
}

TEST(FolioFault, AFolioAcrossTwoPageTablesIsMappedByWindows) {
  Rig rig;
  rig.run([&] {
    auto object = std::make_shared<PagesObject>(rig, 256 + 256);
    object->cache_all(8);
    // The first folio begins 22 pages before a new table; there the window is cut off, 16 pages from its beginning.
    const VirtAddr at{(std::uint64_t{100} * kTable - 22) * kPageSize};
    ASSERT_TRUE(rig.space->map(at, object->pages * kPageSize, PROT_READ, MAP_SHARED | MAP_FIXED, object, 0));
    const auto faults_to = [&](std::uint64_t page) {
      rig.load(at + page * kPageSize, 1);
      return rig.space->faults().minor;
    };
    EXPECT_EQ(faults_to(0), 1U);  // the table is new, but the folio is not the last: pages 0 to 15
    EXPECT_EQ(faults_to(15), 1U);
    EXPECT_EQ(faults_to(16), 2U);  // aligned now: pages 10 to 21
    EXPECT_EQ(faults_to(21), 2U);
    EXPECT_EQ(faults_to(22), 3U);
    EXPECT_EQ(faults_to(37), 3U);
    EXPECT_EQ(faults_to(38), 4U);
    ASSERT_TRUE(rig.space->unmap(at, object->pages * kPageSize));
  });
}

TEST(FolioFault, RegionsThatEndInsideAFolioAreNotMappedBeyond) {
  Rig rig;
  rig.run([&] {
    auto object = std::make_shared<PagesObject>(rig, 1024);
    object->cache_all(8);
    const VirtAddr at{std::uint64_t{100} * kTable * kPageSize};
    ASSERT_TRUE(rig.space->map(at, 100 * kPageSize, PROT_READ, MAP_SHARED | MAP_FIXED, object, 0));
    rig.load(at, 100 * kPageSize);
    EXPECT_EQ(rig.space->faults().minor, 7U);  // 100 pages by windows of 16
    EXPECT_EQ(rig.frames.references(object->frame_of(0)), 1U + 100U);
    rig.load(at + 100 * kPageSize, 1);
    EXPECT_EQ(rig.outcome, FaultOutcome::SegmentationFault);
    ASSERT_TRUE(rig.space->unmap(at, 100 * kPageSize));
    EXPECT_EQ(rig.frames.references(object->frame_of(0)), 1U);
  });
}

TEST(FolioFault, NothingIsMappedBeyondTheEndOfTheFile) {
  Rig rig;
  rig.run([&] {
    Mapped file{rig, 256, 8};
    file.object->pages = 100;  // truncated within the folio, which could not be split
    rig.load(file.at + 99 * kPageSize, 1);
    EXPECT_EQ(rig.outcome, FaultOutcome::Resolved);
    rig.load(file.at + 100 * kPageSize, 1);
    EXPECT_EQ(rig.outcome, FaultOutcome::BusError);
  });
}

TEST(FolioFault, AWriteToASharedMappingMapsTheFolioWritable) {
  Rig rig;
  rig.run([&] {
    Mapped file{rig, 512, 8, MAP_SHARED, kReadWrite};
    for (std::uint64_t page = 0; page < 512; ++page) {
      ASSERT_EQ(rig.store(file.at + page * kPageSize, 7), FaultOutcome::Resolved);
    }
    EXPECT_EQ(rig.space->faults().minor, 2U);
    EXPECT_EQ(file.object->dirtied, (std::vector<std::uint64_t>{0, 256}));
    // Write-protected for write-back, every page tells of its next write.
    rig.space->write_protect(*file.object, 0, 512);
    for (std::uint64_t page = 0; page < 5; ++page) {
      ASSERT_EQ(rig.store(file.at + page * kPageSize, 8), FaultOutcome::Resolved);
    }
    EXPECT_EQ(rig.space->faults().minor, 7U);
  });
}

TEST(FolioFault, APrivateWriteCopiesOnePage) {
  Rig rig;
  rig.run([&] {
    Mapped file{rig, 512, 8, MAP_PRIVATE, kReadWrite};
    ASSERT_EQ(rig.store(file.at + 3 * kPageSize, 7), FaultOutcome::Resolved);
    EXPECT_EQ(rig.space->faults().copy_on_write, 1U);
    EXPECT_EQ(rig.frames.held_frames(Place::UserBuffer), 1U);
    rig.load(file.at, 1);  // the rest of the folio, around the copy
    EXPECT_EQ(rig.load(file.at + 3 * kPageSize, 1)[0], std::byte{7});
    EXPECT_EQ(rig.load(file.at + 255 * kPageSize, 1)[0], std::byte{0});
    EXPECT_EQ(rig.space->faults().minor, 2U);
    EXPECT_EQ(rig.frames.references(file.object->frame_of(0)), 1U + 255U);
  });
}

TEST(FolioFault, CountsThePagesFoundAround) {
  Rig rig;
  rig.run([&] {
    Mapped file{rig, 512, 8};
    rig.load(file.at, 1);
    EXPECT_EQ(file.object->around, 256U);
  });
}

TEST(FolioFault, CostsFollowTheEntriesAndTheFolios) {
  const auto time_of_a_fault = [](unsigned order, Picoseconds folio, Picoseconds page) {
    Rig rig;
    rig.config.fault_map_folio = CpuCost::time(folio);
    rig.config.fault_map_page = CpuCost::time(page);
    Picoseconds time;
    rig.run([&] {
      Mapped file{rig, 64, order};
      const auto begin = rig.machine.cpu.now();
      rig.load(file.at, 1);
      time = rig.machine.cpu.now() - begin;
    });
    return time;
  };
  for (const unsigned order : {0U, 3U}) {
    const auto rest = time_of_a_fault(order, 0_ns, 0_ns);
    EXPECT_EQ(time_of_a_fault(order, 1_us, 0_ns) - rest, Picoseconds{1_us} * (16 >> order));
    EXPECT_EQ(time_of_a_fault(order, 0_ns, 1_us) - rest, 16_us);
  }
}

TEST(FolioFault, UnmappingCostsFollowTheEntriesAndTheFolios) {
  const auto time_of_unmapping = [](unsigned order, Picoseconds folio, Picoseconds page) {
    Rig rig;
    rig.config.unmap_folio = CpuCost::time(folio);
    rig.config.unmap_page = CpuCost::time(page);
    Picoseconds time;
    rig.run([&] {
      auto object = std::make_shared<PagesObject>(rig, 64);
      object->cache_all(order);
      const VirtAddr at =
          rig.space->map(VirtAddr{}, 64 * kPageSize, PROT_READ, MAP_SHARED | MAP_POPULATE, object, 0).value();
      const auto begin = rig.machine.cpu.now();
      EXPECT_TRUE(rig.space->unmap(at, 64 * kPageSize));
      time = rig.machine.cpu.now() - begin;
    });
    return time;
  };
  for (const unsigned order : {0U, 3U}) {
    const auto rest = time_of_unmapping(order, 0_ns, 0_ns);
    EXPECT_EQ(time_of_unmapping(order, 1_us, 0_ns) - rest, Picoseconds{1_us} * (64 >> order));
    EXPECT_EQ(time_of_unmapping(order, 0_ns, 1_us) - rest, 64_us);
  }
}

// --- folios of 2 MiB ---

/// The entry of the level above the lowest one.
std::uint64_t upper_entry(Rig& rig, VirtAddr at) {
  PhysAddr table = rig.space->root();
  for (const unsigned level : {3U, 2U}) {
    table = mmu::entry_target(rig.machine.cpu.load<std::uint64_t>(mmu::entry_address(table, at, level)));
  }
  return rig.machine.cpu.load<std::uint64_t>(mmu::entry_address(table, at, 1));
}

TEST(LargeFolioFault, OneEntryMapsIt) {
  Rig rig;
  rig.run([&] {
    Mapped file{rig, 2 * kTable, 9};
    EXPECT_EQ(file.touch_all(), 2U);
    for (std::uint64_t first : {std::uint64_t{0}, kTable}) {
      EXPECT_EQ(upper_entry(rig, file.at + first * kPageSize) & mmu::pte::kLargePage, mmu::pte::kLargePage);
      EXPECT_EQ(rig.frames.references(file.object->frame_of(first)), 2U);  // the object's and the entry's
    }
    EXPECT_EQ(rig.load(file.at + 700 * kPageSize, 3 * kPageSize)[2 * kPageSize], static_cast<std::byte>(703 % 256));
    EXPECT_EQ(rig.space->faults().minor, 2U);
  });
  EXPECT_EQ(rig.frames.free_frames(), rig.frames.total_frames());
  EXPECT_TRUE(rig.frames.breaches().empty());
}

TEST(LargeFolioFault, IsMappedByPagesWhereATableExists) {
  Rig rig;
  rig.run([&] {
    auto object = std::make_shared<PagesObject>(rig, kTable);
    object->cache_all(9);
    const VirtAddr at{std::uint64_t{100} * kTable * kPageSize};
    ASSERT_TRUE(rig.space->map(at, 4096, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, nullptr, 0));
    ASSERT_EQ(rig.store(at, 1), FaultOutcome::Resolved);
    ASSERT_TRUE(
        rig.space->map(at + kPageSize, (kTable - 1) * kPageSize, PROT_READ, MAP_SHARED | MAP_FIXED, object, kPageSize));
    rig.load(at + kPageSize, (kTable - 1) * kPageSize);
    EXPECT_EQ(rig.space->faults().minor, 1U + kTable / 16);  // the region does not hold the whole folio
    EXPECT_EQ(rig.load(at, 1)[0], std::byte{1});
    ASSERT_TRUE(rig.space->unmap(at, kTable * kPageSize));
  });
  EXPECT_TRUE(rig.frames.breaches().empty());
}

TEST(LargeFolioFault, WritesAreSeenAgainAfterWriteProtection) {
  Rig rig;
  rig.run([&] {
    Mapped file{rig, kTable, 9, MAP_SHARED, kReadWrite};
    rig.load(file.at, 1);
    ASSERT_EQ(rig.store(file.at + 5 * kPageSize, 7), FaultOutcome::Resolved);
    EXPECT_EQ(file.object->dirtied, (std::vector<std::uint64_t>{5}));
    ASSERT_EQ(rig.store(file.at + 6 * kPageSize, 7), FaultOutcome::Resolved);
    EXPECT_EQ(rig.space->faults().minor, 2U);
    rig.space->write_protect(*file.object, 0, 1);
    ASSERT_EQ(rig.store(file.at + 6 * kPageSize, 8), FaultOutcome::Resolved);
    EXPECT_EQ(file.object->dirtied, (std::vector<std::uint64_t>{5, 6}));
    EXPECT_NE(upper_entry(rig, file.at) & mmu::pte::kLargePage, 0U);
    EXPECT_EQ(rig.frames.references(file.object->frame_of(0)), 2U);
  });
}

TEST(LargeFolioFault, APrivateWriteCopiesOnePageAndTheOthersFaultAgain) {
  Rig rig;
  rig.run([&] {
    Mapped file{rig, kTable, 9, MAP_PRIVATE, kReadWrite};
    rig.load(file.at, 1);
    ASSERT_EQ(rig.store(file.at + 3 * kPageSize, 0x77), FaultOutcome::Resolved);
    EXPECT_EQ(rig.space->faults().copy_on_write, 1U);
    EXPECT_EQ(rig.load(file.at + 3 * kPageSize, 1)[0], std::byte{0x77});
    EXPECT_EQ(rig.load(file.at + 4 * kPageSize, 1)[0], std::byte{5});
    EXPECT_EQ(rig.fake.bytes(file.object->frame_of(3).address(), 1)[0], std::byte{4});
  });
  EXPECT_TRUE(rig.frames.breaches().empty());
}

TEST(LargeFolioFault, UnmappingAPartForgetsTheEntryAndTheRestFaultsAgain) {
  Rig rig;
  rig.run([&] {
    Mapped file{rig, kTable, 9};
    rig.load(file.at, 1);
    ASSERT_TRUE(rig.space->unmap(file.at + 100 * kPageSize, kPageSize));
    EXPECT_EQ(rig.frames.references(file.object->frame_of(0)), 1U);
    EXPECT_EQ(rig.load(file.at + 99 * kPageSize, 1)[0], std::byte{100});
    EXPECT_EQ(rig.load(file.at + 101 * kPageSize, 1)[0], std::byte{102});
    rig.load(file.at + 100 * kPageSize, 1);
    EXPECT_EQ(rig.outcome, FaultOutcome::SegmentationFault);
  });
  EXPECT_TRUE(rig.frames.breaches().empty());
}

TEST(LargeFolioFault, TruncationTakesItAway) {
  Rig rig;
  rig.run([&] {
    Mapped file{rig, kTable, 9};
    rig.load(file.at, 1);
    file.object->pages = 10;
    rig.space->zap(*file.object, 10);
    EXPECT_EQ(rig.frames.references(file.object->frame_of(0)), 1U);
    rig.load(file.at + 10 * kPageSize, 1);
    EXPECT_EQ(rig.outcome, FaultOutcome::BusError);
    rig.load(file.at + 9 * kPageSize, 1);
    EXPECT_EQ(rig.outcome, FaultOutcome::Resolved);
    rig.load(file.at + 10 * kPageSize, 1);
    EXPECT_EQ(rig.outcome, FaultOutcome::BusError);
  });
}

TEST(LargeFolioFault, EndsWithItsProcess) {
  Rig rig;
  rig.run([&] {
    auto object = std::make_shared<PagesObject>(rig, kTable);
    object->cache_all(9);
    ASSERT_TRUE(rig.space->map(VirtAddr{}, kTable * kPageSize, PROT_READ, MAP_SHARED | MAP_POPULATE, object, 0));
    rig.memory.reset();
    rig.space.reset();  // without clear, as when the machine is torn down
  });
  EXPECT_EQ(rig.frames.free_frames(), rig.frames.total_frames());
  EXPECT_TRUE(rig.frames.breaches().empty());
}

TEST(UserCopy, OverSeveralPagesStartsOnce) {
  Rig rig;
  rig.run([&] {
    const VirtAddr at =
        rig.space->map(VirtAddr{}, 8 * kPageSize, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS, nullptr, 0).value();
    const Frame kernel = rig.frames.allocate(Place::KernelMemory, 3).value();
    const auto before = rig.fake.copies();
    EXPECT_EQ(rig.memory->copy_out(kernel.address(), at + 100, 5 * kPageSize), 5 * kPageSize);
    EXPECT_EQ(rig.memory->copy_in(at + 100, kernel.address(), 5 * kPageSize), 5 * kPageSize);
    EXPECT_EQ(rig.fake.copies() - before, 2U);
    rig.frames.put(kernel);
  });
}

TEST(FileMapping, OfTwoMegabytesAndMoreBeginsAPageTable) {
  Rig rig;
  rig.run([&] {
    auto object = std::make_shared<PagesObject>(rig, 2048);
    auto& space = *rig.space;
    const auto page_of = [&](std::uint64_t first, std::uint64_t pages) {
      return space.map(VirtAddr{}, pages * kPageSize, PROT_READ, MAP_SHARED, object, first * kPageSize)->page_number();
    };
    EXPECT_NE(page_of(0, 3) % kTable, 0U);
    EXPECT_EQ(page_of(0, 512) % kTable, 0U);
    EXPECT_EQ(page_of(0, 700) % kTable, 0U);
    EXPECT_EQ(page_of(100, 1024) % kTable, 100U);  // as the file's pages lie in theirs
    const auto small = page_of(100, 600);          // holds no whole 2 MiB of the file
    EXPECT_NE(small % kTable, 100U);
  });
}

}  // namespace
}  // namespace sluice::mm
