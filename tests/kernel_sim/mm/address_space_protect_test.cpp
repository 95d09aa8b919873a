// SPDX-License-Identifier: Apache-2.0
// mprotect and mincore.
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "kernel_sim/mm/address_space.h"
#include "models/mmu/page_table_format.h"
#include "tests/kernel_sim/mm/rig.h"

namespace sluice::mm {
namespace {

TEST(AddressSpace, ProtectionIsRefusedAsLinuxRefusesIt) {
  Rig rig;
  rig.run([&] {
    auto& space = *rig.space;
    const VirtAddr at{1_GiB};
    ASSERT_TRUE(space.map(at, 2 * kPageSize, kReadWrite, kAnonymous | MAP_FIXED, nullptr, 0));
    EXPECT_EQ(error_of(space.protect(at + 1, kPageSize, PROT_READ)), EINVAL);
    EXPECT_EQ(error_of(space.protect(at, kPageSize, 0x10)), EINVAL);
    EXPECT_EQ(error_of(space.protect(at, 0, 0x10)), 0);  // nothing is looked at
    EXPECT_EQ(error_of(space.protect(at, ~Bytes{0}, 0x10)), ENOMEM);
    EXPECT_EQ(error_of(space.protect(at, kPageSize, PROT_GROWSDOWN)), EINVAL);
    EXPECT_EQ(error_of(space.protect(at, kPageSize, PROT_GROWSUP)), EINVAL);
    EXPECT_EQ(error_of(space.protect(at - kPageSize, kPageSize, PROT_READ)), ENOMEM);
    EXPECT_EQ(rig.store(at, 1), FaultOutcome::Resolved);
  });
}

TEST(AddressSpace, ProtectionChangesWhatLiesBeforeAGap) {
  Rig rig;
  rig.run([&] {
    const VirtAddr at{1_GiB};
    ASSERT_TRUE(rig.space->map(at, 2 * kPageSize, kReadWrite, kAnonymous | MAP_FIXED, nullptr, 0));
    ASSERT_TRUE(rig.space->map(at + 3 * kPageSize, kPageSize, kReadWrite, kAnonymous | MAP_FIXED, nullptr, 0));
    EXPECT_EQ(error_of(rig.space->protect(at + kPageSize, 3 * kPageSize, PROT_READ)), ENOMEM);
    EXPECT_EQ(rig.store(at, 1), FaultOutcome::Resolved);
    EXPECT_EQ(rig.store(at + kPageSize, 1), FaultOutcome::SegmentationFault);
    EXPECT_EQ(rig.store(at + 3 * kPageSize, 1), FaultOutcome::Resolved);
  });
}

TEST(AddressSpace, PagesKeepTheirBytesWhileNobodyMayAccessThem) {
  Rig rig;
  rig.run([&] {
    const VirtAddr at{1_GiB};
    ASSERT_TRUE(rig.space->map(at, 3 * kPageSize, kReadWrite, kAnonymous | MAP_FIXED, nullptr, 0));
    for (std::uint64_t i = 0; i < 3; ++i) rig.store(at + i * kPageSize, 0x55);
    ASSERT_TRUE(rig.space->protect(at + kPageSize, kPageSize, PROT_NONE));
    rig.load(at + kPageSize, 1);
    EXPECT_EQ(rig.outcome, FaultOutcome::SegmentationFault);
    EXPECT_EQ(rig.memory->copy_in(at + kPageSize, PhysAddr{0}, 1), 0U);  // nor may the kernel on its behalf
    EXPECT_EQ(rig.frames.held_frames(Place::UserBuffer), 3U);
    ASSERT_TRUE(rig.space->protect(at, 3 * kPageSize, kReadWrite));
    const auto faults = rig.space->faults().minor;
    EXPECT_EQ(rig.load(at + kPageSize, 1)[0], std::byte{0x55});
    EXPECT_EQ(rig.store(at + kPageSize, 0x56), FaultOutcome::Resolved);
    EXPECT_EQ(rig.space->faults().minor, faults);  // the page was there and nobody else's
    ASSERT_TRUE(rig.space->protect(at, kPageSize, PROT_NONE));
    ASSERT_TRUE(rig.space->unmap(at, 3 * kPageSize));
    EXPECT_EQ(rig.frames.held_frames(Place::UserBuffer), 0U);
  });
  EXPECT_EQ(rig.frames.free_frames(), rig.frames.total_frames());
}

TEST(AddressSpace, AProtectedPageOfZeroesAndAPageOfAForkAreCopiedWhenWritten) {
  Rig rig;
  rig.run([&] {
    const VirtAddr at{1_GiB};
    ASSERT_TRUE(rig.space->map(at, 2 * kPageSize, kReadWrite, kAnonymous | MAP_FIXED, nullptr, 0));
    rig.load(at, 1);  // the page of zeroes
    rig.store(at + kPageSize, 7);
    auto child = rig.space->fork().value();
    ASSERT_TRUE(rig.space->protect(at, 2 * kPageSize, PROT_READ));
    ASSERT_TRUE(rig.space->protect(at, 2 * kPageSize, kReadWrite));
    ASSERT_EQ(rig.store(at, 1), FaultOutcome::Resolved);
    ASSERT_EQ(rig.store(at + kPageSize, 8), FaultOutcome::Resolved);
    EXPECT_EQ(rig.space->faults().copy_on_write, 1U);
    rig.machine.cpu.set_page_table(child->root());
    AddressSpaceMemory its{rig.machine, rig.frames, *child, rig.config};
    std::array<std::byte, 1> byte{};
    ASSERT_EQ(its.program_load(at + kPageSize, byte), FaultOutcome::Resolved);
    EXPECT_EQ(byte[0], std::byte{7});
    ASSERT_EQ(its.program_load(at, byte), FaultOutcome::Resolved);
    EXPECT_EQ(byte[0], std::byte{0});
    child->clear();
    child.reset();
    rig.machine.cpu.set_page_table(rig.space->root());
  });
  EXPECT_EQ(rig.frames.free_frames(), rig.frames.total_frames());
}

TEST(AddressSpace, APinnedPageIsNotCopiedWhenItBecomesWritableAgain) {
  Rig rig;
  rig.run([&] {
    const VirtAddr at{1_GiB};
    ASSERT_TRUE(rig.space->map(at, kPageSize, kReadWrite, kAnonymous | MAP_FIXED, nullptr, 0));
    rig.store(at, 7);
    const auto pinned = rig.memory->pin(at, 1, hal::Access::Read).value();
    ASSERT_TRUE(rig.space->protect(at, kPageSize, PROT_READ));
    ASSERT_TRUE(rig.space->protect(at, kPageSize, kReadWrite));
    ASSERT_EQ(rig.store(at, 8), FaultOutcome::Resolved);
    EXPECT_EQ(rig.fake.bytes(pinned[0].address, 1)[0], std::byte{8});
    rig.frames.put(Frame::of(pinned[0].address));
  });
}

TEST(AddressSpace, ASharedPageThatBecomesWritableIsDirtiedByItsNextWrite) {
  Rig rig;
  rig.run([&] {
    const auto object = std::make_shared<PagesObject>(rig, 4);
    const VirtAddr at{1_GiB};
    ASSERT_TRUE(rig.space->map(at, 4 * kPageSize, PROT_READ, MAP_SHARED | MAP_FIXED, object, 0));
    rig.load(at, 1);
    ASSERT_TRUE(rig.space->protect(at, 4 * kPageSize, kReadWrite));
    ASSERT_EQ(rig.store(at, 1), FaultOutcome::Resolved);
    EXPECT_EQ(object->dirtied, std::vector<std::uint64_t>{0});
    ASSERT_TRUE(rig.space->unmap(at, 4 * kPageSize));
    ASSERT_TRUE(rig.space->map(at, 4 * kPageSize, PROT_READ, MAP_SHARED | MAP_FIXED, object, 0, PROT_READ));
    EXPECT_EQ(error_of(rig.space->protect(at, kPageSize, kReadWrite)), EACCES);
    EXPECT_EQ(error_of(rig.space->protect(at, kPageSize, PROT_NONE)), 0);
  });
}

TEST(AddressSpace, ALargePageIsForgottenWhenAPartOfItIsProtected) {
  Rig rig{8192};
  rig.run([&] {
    const auto object = std::make_shared<PagesObject>(rig, 1024);
    object->cache(0, 9);
    object->cache(512, 9);
    const VirtAddr at{1_GiB};
    ASSERT_TRUE(rig.space->map(at, 1024 * kPageSize, PROT_READ, MAP_SHARED | MAP_FIXED, object, 0));
    rig.load(at, 1);
    ASSERT_TRUE(rig.space->protect(at, 512 * kPageSize, PROT_NONE));
    rig.load(at, 1);
    EXPECT_EQ(rig.outcome, FaultOutcome::SegmentationFault);
    ASSERT_TRUE(rig.space->protect(at, 512 * kPageSize, PROT_READ));
    const auto faults = rig.space->faults().minor;
    EXPECT_EQ(rig.load(at + 100 * kPageSize, 1)[0], std::byte{101});
    EXPECT_EQ(rig.space->faults().minor, faults);  // the whole of it was protected, and stayed
    ASSERT_TRUE(rig.space->protect(at, kPageSize, PROT_NONE));
    EXPECT_EQ(rig.load(at + 100 * kPageSize, 1)[0], std::byte{101});
    EXPECT_EQ(rig.space->faults().minor, faults + 1);
  });
}

using Residency = std::vector<std::uint8_t>;

TEST(AddressSpace, AnonymousPagesAreResidentOnceTouchedAndFilePagesWhileCached) {
  Rig rig;
  rig.run([&] {
    auto& space = *rig.space;
    const VirtAddr at{1_GiB};
    ASSERT_TRUE(space.map(at, 4 * kPageSize, kReadWrite, kAnonymous | MAP_FIXED, nullptr, 0));
    rig.load(at, 1);
    rig.store(at + 2 * kPageSize, 1);
    EXPECT_EQ(space.residency(at, 3 * kPageSize + 1, 100).value(), (Residency{1, 0, 1, 0}));
    ASSERT_TRUE(space.protect(at, 4 * kPageSize, PROT_NONE));
    EXPECT_EQ(space.residency(at, 4 * kPageSize, 100).value(), (Residency{1, 0, 1, 0}));
    const auto object = std::make_shared<PagesObject>(rig, 3);
    object->cache(1);
    const VirtAddr file = at + 4 * kPageSize;
    ASSERT_TRUE(space.map(file, 4 * kPageSize, PROT_READ, MAP_SHARED | MAP_FIXED, object, 0));
    EXPECT_EQ(space.residency(at + 3 * kPageSize, 5 * kPageSize, 100).value(), (Residency{0, 0, 1, 0, 0}));
    EXPECT_EQ(object->faults, 0U);
    EXPECT_EQ(space.residency(at + 1, kPageSize, 100).error().value, EINVAL);
    EXPECT_EQ(space.residency(file, 5 * kPageSize, 100).error().value, ENOMEM);
    EXPECT_EQ(space.residency(at, 4 * kPageSize, 3).error().value, EFAULT);
    EXPECT_EQ(space.residency(at, Bytes{1} << 60, 3).error().value, ENOMEM);
    EXPECT_EQ(space.residency(at, 0, 3).value(), Residency{});
  });
}

}  // namespace
}  // namespace sluice::mm
