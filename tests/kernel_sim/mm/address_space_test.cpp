// SPDX-License-Identifier: Apache-2.0
// Address spaces: mmap's rules, demand paging, copy-on-write, fork, SIGBUS and SIGSEGV.
#include "kernel_sim/mm/address_space.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "models/mmu/page_table_format.h"
#include "tests/kernel_sim/mm/rig.h"

namespace sluice::mm {
namespace {

TEST(AddressSpace, RefusesWhatLinuxRefuses) {
  Rig rig;
  rig.run([&] {
    auto& space = *rig.space;
    EXPECT_EQ(error_of(space.map(VirtAddr{}, 0, kReadWrite, kAnonymous, nullptr, 0)), EINVAL);
    EXPECT_EQ(error_of(space.map(VirtAddr{}, 1, kReadWrite, MAP_ANONYMOUS, nullptr, 0)), EINVAL);
    EXPECT_EQ(error_of(space.map(VirtAddr{}, 1, kReadWrite, kAnonymous, nullptr, 100)), EINVAL);
    EXPECT_EQ(error_of(space.map(VirtAddr{0x20001}, 1, kReadWrite, kAnonymous | MAP_FIXED, nullptr, 0)), EINVAL);
    EXPECT_EQ(error_of(space.map(VirtAddr{}, Bytes{1} << 47, kReadWrite, kAnonymous, nullptr, 0)), ENOMEM);
    EXPECT_EQ(space.unmap(VirtAddr{1}, 4096).error().value, EINVAL);
    EXPECT_EQ(space.unmap(VirtAddr{4096}, 0).error().value, EINVAL);
    EXPECT_TRUE(space.unmap(VirtAddr{1_MiB}, 4096).has_value());  // nothing there is fine
    EXPECT_EQ(space.advise(VirtAddr{1_MiB}, 4096, MADV_DONTNEED).error().value, ENOMEM);
    EXPECT_EQ(space.advise(VirtAddr{1_MiB}, 4096, 12345).error().value, EINVAL);
  });
}

TEST(AddressSpace, WritesTheEntriesThatTheProcessorManualDescribes) {
  Rig rig;
  rig.run([&] {
    const VirtAddr at{0x1234'5678'9000};
    ASSERT_TRUE(rig.space->map(at, kPageSize, kReadWrite, kAnonymous | MAP_FIXED, nullptr, 0));
    ASSERT_EQ(rig.store(at + 5, 0x7E), FaultOutcome::Resolved);
    // 0x123456789000: bits 47-39 = 0x24, 38-30 = 0xD1, 29-21 = 0xB3, 20-12 = 0x189.
    PhysAddr table = rig.space->root();
    for (const unsigned index : {0x24U, 0xD1U, 0xB3U}) {
      const auto entry = rig.machine.cpu.load<std::uint64_t>(table + index * 8);
      ASSERT_EQ(entry & 0x7, 0x7U);  // present, writable, user
      table = PhysAddr{entry & 0x000F'FFFF'FFFF'F000};
    }
    const auto entry = rig.machine.cpu.load<std::uint64_t>(table + 0x189 * 8);
    EXPECT_EQ(entry & 0x7, 0x7U);
    EXPECT_NE(entry & (std::uint64_t{1} << 63), 0U);  // no execute
    EXPECT_EQ(rig.fake.bytes(PhysAddr{(entry & 0x000F'FFFF'FFFF'F000) + 5}, 1)[0], std::byte{0x7E});
    EXPECT_EQ(rig.fake.ledger().place_of(Frame::of(table)), Place::KernelMemory);
    EXPECT_EQ(rig.fake.ledger().place_of(Frame::of(mmu::entry_target(entry))), Place::UserBuffer);
  });
}

TEST(AddressSpace, AnonymousMemoryIsZeroAndComesPageByPage) {
  Rig rig;
  rig.run([&] {
    const VirtAddr at = rig.space->map(VirtAddr{}, 10 * kPageSize, kReadWrite, kAnonymous, nullptr, 0).value();
    EXPECT_EQ(rig.load(at + 4090, 12), std::vector<std::byte>(12));
    EXPECT_EQ(rig.space->faults().minor, 2U);
    EXPECT_EQ(rig.frames.held_frames(Place::UserBuffer), 1U);  // the page of zeroes, twice
    EXPECT_EQ(rig.store(at + 4090, 1), FaultOutcome::Resolved);
    EXPECT_EQ(rig.frames.held_frames(Place::UserBuffer), 2U);
    EXPECT_EQ(rig.load(at + kPageSize, 1), std::vector<std::byte>(1));
    EXPECT_EQ(rig.space->faults().copy_on_write, 0U);
    ASSERT_TRUE(rig.space->unmap(at, 10 * kPageSize));
    EXPECT_EQ(rig.frames.held_frames(Place::UserBuffer), 0U);
    EXPECT_EQ(rig.store(at, 1), FaultOutcome::SegmentationFault);
  });
  EXPECT_EQ(rig.frames.free_frames(), rig.frames.total_frames());  // tables too
  EXPECT_TRUE(rig.frames.breaches().empty());
}

TEST(AddressSpace, AStoreThatTheObjectHasNoRoomForIsABusError) {
  Rig rig;
  const auto object = std::make_shared<PagesObject>(rig, 4);
  rig.run([&] {
    const VirtAddr at = rig.space->map(VirtAddr{}, 4 * kPageSize, kReadWrite, MAP_SHARED, object, 0).value();
    object->full = true;
    EXPECT_EQ(rig.store(at, 1), FaultOutcome::BusError);
    rig.load(at + kPageSize, 1);  // mapped for reading, and not to be made writable
    EXPECT_EQ(rig.store(at + kPageSize, 1), FaultOutcome::BusError);
    object->full = false;
    EXPECT_EQ(rig.store(at, 1), FaultOutcome::Resolved);
  });
}

TEST(AddressSpace, AnObjectIsMappedForAsLongAsAnyRegionShowsIt) {
  Rig rig;
  const auto object = std::make_shared<PagesObject>(rig, 4);
  rig.run([&] {
    const VirtAddr at = rig.space->map(VirtAddr{}, 4 * kPageSize, kReadWrite, MAP_SHARED, object, 0).value();
    ASSERT_TRUE(rig.space->unmap(at + kPageSize, kPageSize));  // two regions are left
    EXPECT_EQ(object->mappers().size(), 1U);
    ASSERT_TRUE(rig.space->unmap(at, kPageSize));
    EXPECT_EQ(object->mappers().size(), 1U);
    rig.store(at + 2 * kPageSize, 7);
    rig.space->zap(*object, 2);
    EXPECT_EQ(rig.frames.references(object->frame_of(2)), 1U);
    ASSERT_TRUE(rig.space->unmap(at + 2 * kPageSize, 2 * kPageSize));
    EXPECT_TRUE(object->mappers().empty());
  });
}

TEST(AddressSpace, PopulateTakesTheFaultsAtOnce) {
  Rig rig;
  rig.run([&] {
    ASSERT_TRUE(rig.space->map(VirtAddr{}, 8 * kPageSize, kReadWrite, kAnonymous | MAP_POPULATE, nullptr, 0));
    EXPECT_EQ(rig.frames.held_frames(Place::UserBuffer), 8U);
  });
}

TEST(AddressSpace, MappingsGoTopDownAndFixedReplaces) {
  Rig rig;
  rig.run([&] {
    auto& space = *rig.space;
    const VirtAddr a = space.map(VirtAddr{}, 3 * kPageSize, kReadWrite, kAnonymous, nullptr, 0).value();
    const VirtAddr b = space.map(VirtAddr{}, kPageSize, kReadWrite, kAnonymous, nullptr, 0).value();
    EXPECT_EQ(b + kPageSize, a);
    ASSERT_EQ(rig.store(a + kPageSize, 9), FaultOutcome::Resolved);
    EXPECT_EQ(error_of(space.map(a + kPageSize, kPageSize, kReadWrite, kAnonymous | MAP_FIXED_NOREPLACE, nullptr, 0)),
              EEXIST);
    ASSERT_TRUE(space.map(a + kPageSize, kPageSize, PROT_READ, kAnonymous | MAP_FIXED, nullptr, 0));
    EXPECT_EQ(rig.load(a + kPageSize, 1)[0], std::byte{0});
    EXPECT_EQ(rig.store(a + kPageSize, 1), FaultOutcome::SegmentationFault);
    EXPECT_EQ(rig.store(a, 1), FaultOutcome::Resolved);
    EXPECT_EQ(rig.store(a + 2 * kPageSize, 1), FaultOutcome::Resolved);
    // A hole is used again.
    ASSERT_TRUE(space.unmap(a, kPageSize));
    EXPECT_EQ(space.map(VirtAddr{}, kPageSize, kReadWrite, kAnonymous, nullptr, 0).value(), a);
  });
}

TEST(AddressSpace, FaultAroundMapsTheCachedPagesOfItsWindow) {
  Rig rig;
  rig.run([&] {
    const auto object = std::make_shared<PagesObject>(rig, 64);
    for (std::uint64_t i = 0; i < 40; ++i) object->cache(i);
    const VirtAddr at{16 * 100 * kPageSize};  // aligned to the window of 16 pages
    ASSERT_TRUE(rig.space->map(at, 64 * kPageSize, PROT_READ, MAP_SHARED | MAP_FIXED, object, 0));
    for (std::uint64_t i = 0; i < 64; ++i) EXPECT_EQ(rig.load(at + i * kPageSize, 1)[0], std::byte(i + 1));
    // 0-15, 16-31, 32-39 by one fault each; 40-63 are missing: one major fault each.
    EXPECT_EQ(rig.space->faults().minor, 3U);
    EXPECT_EQ(rig.space->faults().major, 24U);
    ASSERT_TRUE(rig.space->unmap(at, 64 * kPageSize));
    EXPECT_EQ(rig.frames.references(object->frame_of(3)), 1U);
  });
}

TEST(AddressSpace, PrivateWriteCopiesTheFilePageOnce) {
  Rig rig;
  rig.run([&] {
    const auto object = std::make_shared<PagesObject>(rig, 4);
    const VirtAddr at = rig.space->map(VirtAddr{}, 4 * kPageSize, kReadWrite, MAP_PRIVATE, object, kPageSize).value();
    EXPECT_EQ(rig.load(at, 1)[0], std::byte{2});  // the mapping begins at page 1
    ASSERT_EQ(rig.store(at, 0x55), FaultOutcome::Resolved);
    ASSERT_EQ(rig.store(at + 1, 0x56), FaultOutcome::Resolved);
    EXPECT_EQ(rig.space->faults().copy_on_write, 1U);
    EXPECT_EQ(rig.load(at, 3), (std::vector{std::byte{0x55}, std::byte{0x56}, std::byte{2}}));
    EXPECT_EQ(rig.fake.bytes(object->frame_of(1).address(), 1)[0], std::byte{2});
    EXPECT_TRUE(object->dirtied.empty());
    EXPECT_EQ(rig.frames.references(object->frame_of(1)), 1U);
    rig.load(at + 3 * kPageSize, 1);  // page 4 of a file of 4
    EXPECT_EQ(rig.outcome, FaultOutcome::BusError);
  });
}

TEST(AddressSpace, SharedWriteReachesTheFileAndMarksItDirty) {
  Rig rig;
  rig.run([&] {
    const auto object = std::make_shared<PagesObject>(rig, 4);
    const VirtAddr at = rig.space->map(VirtAddr{}, 4 * kPageSize, kReadWrite, MAP_SHARED, object, 0).value();
    rig.load(at, 1);
    EXPECT_TRUE(object->dirtied.empty());
    ASSERT_EQ(rig.store(at, 0x55), FaultOutcome::Resolved);
    ASSERT_EQ(rig.store(at + 1, 0x55), FaultOutcome::Resolved);
    EXPECT_EQ(object->dirtied, std::vector<std::uint64_t>{0});
    EXPECT_EQ(rig.fake.bytes(object->frame_of(0).address(), 1)[0], std::byte{0x55});
    // After write-back the next write is seen again.
    rig.space->write_protect(*object, 0, 4);
    ASSERT_EQ(rig.store(at + 2, 0x55), FaultOutcome::Resolved);
    EXPECT_EQ(object->dirtied, (std::vector<std::uint64_t>{0, 0}));
  });
}

TEST(AddressSpace, ZapMakesLaterAccessesFaultAgain) {
  Rig rig;
  rig.run([&] {
    const auto object = std::make_shared<PagesObject>(rig, 4);
    const VirtAddr at = rig.space->map(VirtAddr{}, 4 * kPageSize, kReadWrite, MAP_PRIVATE, object, 0).value();
    for (std::uint64_t i = 0; i < 4; ++i) ASSERT_EQ(rig.store(at + i * kPageSize, 0x55), FaultOutcome::Resolved);
    EXPECT_EQ(object->mappers().size(), 1U);
    rig.space->zap(*object, 2, ~std::uint64_t{0}, false);
    EXPECT_EQ(rig.load(at + 3 * kPageSize, 1)[0], std::byte{0x55});  // private copies stay when asked to
    object->pages = 2;
    rig.space->zap(*object, 2);
    EXPECT_EQ(rig.load(at + kPageSize, 1)[0], std::byte{0x55});
    rig.load(at + 2 * kPageSize, 1);
    EXPECT_EQ(rig.outcome, FaultOutcome::BusError);
  });
}

TEST(AddressSpace, ATruncationDuringAWriteFaultLeavesNoMapping) {
  for (const int sharing : {MAP_SHARED, MAP_PRIVATE}) {
    Rig rig;
    rig.run([&] {
      const auto object = std::make_shared<PagesObject>(rig, 1);
      const VirtAddr at = rig.space->map(VirtAddr{}, kPageSize, kReadWrite, sharing, object, 0).value();
      rig.load(at, 1);  // mapped for reading
      const auto truncate = [&] {
        if (object->pages == 0) return;
        object->pages = 0;
        rig.space->zap(*object, 0);
        object->drop();
      };
      object->on_dirtied = truncate;
      // A private copy needs a frame, and a reclaimer may wait for the disk while others run.
      std::vector<Frame> held;
      rig.frames.add_reclaimer(&rig, [&](std::uint64_t) -> std::uint64_t {
        truncate();
        rig.frames.put(held.back());
        held.pop_back();
        return 1;
      });
      while (rig.frames.free_frames() > 0) held.push_back(*rig.frames.allocate_at_boot(Place::KernelMemory));
      EXPECT_EQ(rig.store(at, 0x55), FaultOutcome::BusError) << sharing;
      EXPECT_EQ(object->pages, 0U);
      for (const Frame frame : held) rig.frames.put(frame);
      rig.frames.remove_reclaimer(&rig);
    });
    EXPECT_TRUE(rig.frames.breaches().empty()) << sharing << ": " << rig.frames.breaches().front();
    EXPECT_EQ(rig.frames.free_frames(), rig.frames.total_frames()) << sharing;
  }
}

TEST(AddressSpace, ForkSharesPrivatePagesUntilOneWrites) {
  Rig rig;
  rig.run([&] {
    const VirtAddr at = rig.space->map(VirtAddr{}, 2 * kPageSize, kReadWrite, kAnonymous, nullptr, 0).value();
    const VirtAddr shared =
        rig.space->map(VirtAddr{}, kPageSize, kReadWrite, MAP_SHARED | MAP_ANONYMOUS, nullptr, 0).value();
    ASSERT_EQ(rig.store(at, 1), FaultOutcome::Resolved);
    ASSERT_EQ(rig.store(at + kPageSize, 2), FaultOutcome::Resolved);
    auto child = rig.space->fork().value();
    EXPECT_EQ(rig.frames.held_frames(Place::UserBuffer), 2U);

    AddressSpaceMemory child_memory{rig.machine, rig.frames, *child, rig.config};
    const auto in_child = [&](auto&& action) {
      rig.machine.cpu.set_page_table(child->root());
      action();
      rig.machine.cpu.set_page_table(rig.space->root());
    };
    in_child([&] {
      const std::byte value{7};
      EXPECT_EQ(child_memory.program_store(at, std::span{&value, 1}), FaultOutcome::Resolved);
      EXPECT_EQ(child_memory.program_store(shared, std::span{&value, 1}), FaultOutcome::Resolved);
    });
    EXPECT_EQ(child->faults().copy_on_write, 1U);
    EXPECT_EQ(rig.load(at, 1)[0], std::byte{1});
    EXPECT_EQ(rig.load(shared, 1)[0], std::byte{7});
    // The parent is alone with the first page now: it writes without a copy. The second is still shared.
    ASSERT_EQ(rig.store(at, 3), FaultOutcome::Resolved);
    EXPECT_EQ(rig.space->faults().copy_on_write, 0U);
    ASSERT_EQ(rig.store(at + kPageSize, 4), FaultOutcome::Resolved);
    EXPECT_EQ(rig.space->faults().copy_on_write, 1U);
    in_child([&] {
      std::byte value{};
      EXPECT_EQ(child_memory.program_load(at + kPageSize, std::span{&value, 1}), FaultOutcome::Resolved);
      EXPECT_EQ(value, std::byte{2});
    });
    child->clear();
  });
  EXPECT_EQ(rig.frames.free_frames(), rig.frames.total_frames());
  EXPECT_TRUE(rig.frames.breaches().empty());
}

TEST(AddressSpace, AChildHasThePageOfZeroesWhereItsParentHasPrivatePagesBeside) {
  Rig rig;
  rig.run([&] {
    const VirtAddr at = rig.space->map(VirtAddr{}, 2 * kPageSize, kReadWrite, kAnonymous, nullptr, 0).value();
    const VirtAddr read_only = rig.space->map(VirtAddr{}, kPageSize, PROT_READ, kAnonymous, nullptr, 0).value();
    ASSERT_EQ(rig.store(at, 1), FaultOutcome::Resolved);
    EXPECT_EQ(rig.load(at + kPageSize, 1)[0], std::byte{0});
    EXPECT_EQ(rig.load(read_only, 1)[0], std::byte{0});
    auto child = rig.space->fork().value();
    EXPECT_EQ(child->residency(at, 2 * kPageSize, 2).value(), (std::vector<std::uint8_t>{1, 1}));
    EXPECT_EQ(child->residency(read_only, kPageSize, 1).value(), std::vector<std::uint8_t>{0});
    child->clear();
  });
  EXPECT_EQ(rig.frames.free_frames(), rig.frames.total_frames());
  EXPECT_TRUE(rig.frames.breaches().empty());
}

TEST(AddressSpace, ForkWithoutMemoryIsRefusedAndLeavesNothingBehind) {
  Rig rig{40};
  rig.run([&] {
    const VirtAddr at = rig.space->map(VirtAddr{}, 1_MiB, kReadWrite, kAnonymous, nullptr, 0).value();
    for (std::uint64_t i = 0; rig.frames.free_frames() > 2; ++i)
      ASSERT_EQ(rig.store(at + i * kPageSize, 1), FaultOutcome::Resolved);
    const auto free = rig.frames.free_frames();
    EXPECT_EQ(rig.space->fork().error().value, ENOMEM);
    EXPECT_EQ(rig.frames.free_frames(), free);
    EXPECT_EQ(rig.store(at, 2), FaultOutcome::Resolved);
  });
  EXPECT_EQ(rig.frames.free_frames(), rig.frames.total_frames());
}

TEST(AddressSpace, DontNeedGivesZeroesAgain) {
  Rig rig;
  rig.run([&] {
    const VirtAddr at = rig.space->map(VirtAddr{}, 2 * kPageSize, kReadWrite, kAnonymous, nullptr, 0).value();
    ASSERT_EQ(rig.store(at, 1), FaultOutcome::Resolved);
    ASSERT_TRUE(rig.space->advise(at, kPageSize, MADV_DONTNEED));
    EXPECT_EQ(rig.load(at, 1)[0], std::byte{0});
  });
}

TEST(AddressSpace, OutOfMemoryIsReported) {
  Rig rig{16};
  rig.run([&] {
    const VirtAddr at = rig.space->map(VirtAddr{}, 1_MiB, kReadWrite, kAnonymous, nullptr, 0).value();
    FaultOutcome outcome = FaultOutcome::Resolved;
    for (std::uint64_t i = 0; i < 20 && outcome == FaultOutcome::Resolved; ++i)
      outcome = rig.store(at + i * kPageSize, 1);
    EXPECT_EQ(outcome, FaultOutcome::OutOfMemory);
  });
}

TEST(UserMemory, CopiesStopAtTheFirstByteThatCannotBeReached) {
  Rig rig;
  rig.run([&] {
    const VirtAddr at = rig.space->map(VirtAddr{}, 2 * kPageSize, kReadWrite, kAnonymous, nullptr, 0).value();
    ASSERT_TRUE(rig.space->unmap(at + kPageSize, kPageSize));
    const Frame kernel = rig.frames.allocate(Place::KernelMemory, 1).value();
    rig.fake.bytes(kernel.address(), 100)[99] = std::byte{0xAB};
    EXPECT_EQ(rig.memory->copy_out(kernel.address(), at + 4000, 200), 96U);
    EXPECT_EQ(rig.memory->copy_in(at + 4000, kernel.address(), 200), 96U);
    EXPECT_EQ(rig.memory->copy_in(at + kPageSize, kernel.address(), 1), 0U);
    EXPECT_EQ(rig.memory->copy_in(VirtAddr{mmu::kKernelBegin}, kernel.address(), 1), 0U);
    std::array<std::byte, 8> value{};
    EXPECT_EQ(rig.memory->load(at + 4092, value).error().value, EFAULT);
    EXPECT_EQ(rig.memory->store(at + 4092, value).error().value, EFAULT);
    const auto pinned = rig.memory->pin(at + 100, kPageSize, hal::Access::Read).value();
    ASSERT_EQ(pinned.size(), 1U);
    EXPECT_EQ(pinned[0].size, kPageSize - 100);
    EXPECT_EQ(rig.frames.references(Frame::of(pinned[0].address)), 2U);
    rig.frames.put(pinned[0]);
    EXPECT_EQ(rig.memory->pin(at + kPageSize, 10, hal::Access::Read).error().value, EFAULT);
    rig.frames.put(kernel);
  });
  EXPECT_TRUE(rig.frames.breaches().empty());
}

TEST(AddressSpace, AdviceAroundTheEndOfAllAddressesIsInvalid) {
  Rig rig;
  rig.run([&] {
    const VirtAddr at = rig.space->map(VirtAddr{}, kPageSize, kReadWrite, kAnonymous, nullptr, 0).value();
    EXPECT_EQ(rig.space->advise(at, ~Bytes{0}, MADV_DONTNEED).error().value, EINVAL);
    EXPECT_EQ(rig.space->advise(at, ~Bytes{0} - at.value() - kPageSize, MADV_DONTNEED).error().value, ENOMEM);
  });
}

TEST(AddressSpace, SharedAnonymousMemoryHasNoOffset) {
  Rig rig;
  rig.run([&] {
    const VirtAddr at =
        rig.space->map(VirtAddr{}, kPageSize, kReadWrite, MAP_SHARED | MAP_ANONYMOUS, nullptr, 4 * kPageSize).value();
    EXPECT_EQ(rig.store(at, 1), FaultOutcome::Resolved);
  });
}

TEST(UserMemory, PinningToReadFaultsNothingInThatIsForWritingOnly) {
  Rig rig;
  rig.run([&] {
    const VirtAddr at = rig.space->map(VirtAddr{}, 3 * kPageSize, PROT_WRITE, kAnonymous, nullptr, 0).value();
    EXPECT_EQ(rig.memory->pin(at, 1, hal::Access::Read).error().value, EFAULT);
    rig.load(at + kPageSize, 1);
    EXPECT_EQ(rig.memory->pin(at + kPageSize, 1, hal::Access::Read).error().value, EFAULT);
    rig.store(at + 2 * kPageSize, 1);
    const auto pinned = rig.memory->pin(at + 2 * kPageSize, 1, hal::Access::Read);
    ASSERT_TRUE(pinned);
    rig.frames.put(pinned->front());
  });
}

TEST(UserMemory, AProgramTouchesNothingWithNoBytes) {
  Rig rig;
  rig.run([&] {
    rig.load(VirtAddr{mmu::kKernelBegin}, 0);
    EXPECT_EQ(rig.outcome, FaultOutcome::Resolved);
  });
}

TEST(UserMemory, FillReachesEveryByte) {
  Rig rig;
  rig.run([&] {
    const VirtAddr at = rig.space->map(VirtAddr{}, 4 * kPageSize, kReadWrite, kAnonymous, nullptr, 0).value();
    EXPECT_EQ(rig.memory->program_fill(at + 10, std::byte{0x33}, 3 * kPageSize), FaultOutcome::Resolved);
    const auto bytes = rig.load(at, 4 * kPageSize);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      ASSERT_EQ(bytes[i], i >= 10 && i < 10 + 3 * kPageSize ? std::byte{0x33} : std::byte{0}) << i;
    }
  });
}

}  // namespace
}  // namespace sluice::mm
