// SPDX-License-Identifier: Apache-2.0
// mremap and brk.
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "kernel_sim/mm/address_space.h"
#include "models/mmu/page_table_format.h"
#include "tests/kernel_sim/mm/rig.h"

namespace sluice::mm {
namespace {

TEST(AddressSpace, AMovedMappingKeepsItsPagesAndCopiesNothing) {
  Rig rig;
  rig.run([&] {
    auto& space = *rig.space;
    const VirtAddr at{1_GiB};
    const VirtAddr to{2_GiB};
    ASSERT_TRUE(space.map(at, 4 * kPageSize, kReadWrite, kAnonymous | MAP_FIXED, nullptr, 0));
    rig.store(at, 1);
    rig.store(at + 2 * kPageSize, 3);
    constexpr int kGuardInstall = 102;  // MADV_GUARD_INSTALL, younger than some headers
    ASSERT_TRUE(space.advise(at + 3 * kPageSize, kPageSize, kGuardInstall));
    const auto faults = space.faults().minor;
    EXPECT_EQ(space.remap(at, 4 * kPageSize, 6 * kPageSize, MREMAP_MAYMOVE | MREMAP_FIXED, to).value(), to);
    EXPECT_EQ(rig.load(to, 1)[0], std::byte{1});
    EXPECT_EQ(rig.load(to + 2 * kPageSize, 1)[0], std::byte{3});
    EXPECT_EQ(rig.store(to + 2 * kPageSize, 4), FaultOutcome::Resolved);
    EXPECT_EQ(space.faults().minor, faults);
    EXPECT_EQ(rig.store(to + 5 * kPageSize, 6), FaultOutcome::Resolved);
    EXPECT_EQ(rig.store(at, 1), FaultOutcome::SegmentationFault);
    EXPECT_EQ(rig.store(to + 3 * kPageSize, 1), FaultOutcome::SegmentationFault);
    EXPECT_EQ(rig.frames.held_frames(Place::UserBuffer), 3U);
    EXPECT_EQ(space.faults().copy_on_write, 0U);
  });
  EXPECT_EQ(rig.frames.free_frames(), rig.frames.total_frames());
}

TEST(AddressSpace, AMappingShrinksAndGrowsWhereItIs) {
  Rig rig;
  rig.run([&] {
    auto& space = *rig.space;
    const VirtAddr at{1_GiB};
    ASSERT_TRUE(space.map(at, 4 * kPageSize, kReadWrite, kAnonymous | MAP_FIXED, nullptr, 0));
    for (std::uint64_t i = 0; i < 4; ++i) rig.store(at + i * kPageSize, 1);
    EXPECT_EQ(space.remap(at, 4 * kPageSize, kPageSize, 0, VirtAddr{}).value(), at);
    EXPECT_EQ(rig.store(at + kPageSize, 1), FaultOutcome::SegmentationFault);
    EXPECT_EQ(space.remap(at, kPageSize, 3 * kPageSize, 0, VirtAddr{}).value(), at);
    EXPECT_EQ(rig.load(at + kPageSize, 1)[0], std::byte{0});
    EXPECT_EQ(rig.load(at, 1)[0], std::byte{1});
    ASSERT_TRUE(space.map(at + 3 * kPageSize, kPageSize, PROT_READ, kAnonymous | MAP_FIXED, nullptr, 0));
    EXPECT_EQ(error_of(space.remap(at, 3 * kPageSize, 4 * kPageSize, 0, VirtAddr{})), ENOMEM);
    const VirtAddr moved = space.remap(at, 3 * kPageSize, 4 * kPageSize, MREMAP_MAYMOVE, VirtAddr{}).value();
    EXPECT_NE(moved, at);
    EXPECT_EQ(rig.load(moved, 1)[0], std::byte{1});
  });
}

TEST(AddressSpace, RemappingIsRefusedAsLinuxRefusesIt) {
  Rig rig;
  rig.run([&] {
    auto& space = *rig.space;
    const VirtAddr at{1_GiB};
    const VirtAddr to{2_GiB};
    constexpr int kFixed = MREMAP_MAYMOVE | MREMAP_FIXED;
    ASSERT_TRUE(space.map(at, 2 * kPageSize, kReadWrite, kAnonymous | MAP_FIXED, nullptr, 0));
    ASSERT_TRUE(space.map(at + 2 * kPageSize, kPageSize, PROT_READ, kAnonymous | MAP_FIXED, nullptr, 0));
    const auto refusal = [&](VirtAddr from, Bytes before, Bytes after, int flags, VirtAddr where) {
      return error_of(space.remap(from, before, after, flags, where));
    };
    EXPECT_EQ(refusal(at, kPageSize, kPageSize, 0x10, to), EINVAL);
    EXPECT_EQ(refusal(at + 1, kPageSize, kPageSize, 0, to), EINVAL);
    EXPECT_EQ(refusal(at, kPageSize, 0, 0, to), EINVAL);
    EXPECT_EQ(refusal(at, kPageSize, kPageSize, MREMAP_FIXED, to), EINVAL);
    EXPECT_EQ(refusal(at, kPageSize, kPageSize, kFixed, to + 1), EINVAL);
    EXPECT_EQ(refusal(at, 2 * kPageSize, 2 * kPageSize, kFixed, at + kPageSize), EINVAL);
    EXPECT_EQ(refusal(at, 0, kPageSize, MREMAP_MAYMOVE, to), EINVAL);                  // private memory is not doubled
    EXPECT_EQ(refusal(at, 3 * kPageSize, 4 * kPageSize, MREMAP_MAYMOVE, to), EFAULT);  // two regions
    EXPECT_EQ(refusal(at - kPageSize, kPageSize, 2 * kPageSize, MREMAP_MAYMOVE, to), EFAULT);
    // Several regions move at once when nothing else changes.
    EXPECT_EQ(space.remap(at, 3 * kPageSize, 3 * kPageSize, kFixed, to).value(), to);
    EXPECT_EQ(rig.store(to + kPageSize, 1), FaultOutcome::Resolved);
    EXPECT_EQ(rig.store(to + 2 * kPageSize, 1), FaultOutcome::SegmentationFault);
  });
}

TEST(AddressSpace, AMappingThatIsNotUnmappedLosesItsPagesToTheNewOne) {
  Rig rig;
  rig.run([&] {
    auto& space = *rig.space;
    const VirtAddr at{1_GiB};
    ASSERT_TRUE(space.map(at, kPageSize, kReadWrite, kAnonymous | MAP_FIXED, nullptr, 0));
    rig.store(at, 9);
    const VirtAddr moved = space.remap(at, kPageSize, kPageSize, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, VirtAddr{}).value();
    EXPECT_EQ(rig.load(moved, 1)[0], std::byte{9});
    EXPECT_EQ(rig.load(at, 1)[0], std::byte{0});
    const auto object = std::make_shared<PagesObject>(rig, 4);
    ASSERT_TRUE(space.map(at, 2 * kPageSize, kReadWrite, MAP_SHARED | MAP_FIXED, object, kPageSize));
    rig.store(at, 0x55);
    const VirtAddr twice = space.remap(at, 0, 2 * kPageSize, MREMAP_MAYMOVE, VirtAddr{}).value();
    EXPECT_EQ(rig.load(twice, 1)[0], std::byte{0x55});
    EXPECT_EQ(rig.load(at, 1)[0], std::byte{0x55});
  });
  EXPECT_EQ(rig.frames.free_frames(), rig.frames.total_frames());
}

TEST(AddressSpace, TheHeapGrowsAndShrinksToWhereItIsAskedAndTellsWhereItEnds) {
  Rig rig;
  rig.run([&] {
    auto& space = *rig.space;
    const VirtAddr start = space.set_break(VirtAddr{});
    EXPECT_EQ(space.set_break(start + 10'000), start + 10'000);
    EXPECT_EQ(rig.store(start + 12'287, 7), FaultOutcome::Resolved);  // to the end of the page
    EXPECT_EQ(rig.store(start + 12'288, 7), FaultOutcome::SegmentationFault);
    EXPECT_EQ(space.set_break(start + 4096), start + 4096);
    EXPECT_EQ(rig.store(start + 4096, 7), FaultOutcome::SegmentationFault);
    EXPECT_EQ(space.set_break(start - 1), start + 4096);  // refused
    ASSERT_TRUE(space.map(start + 5 * kPageSize, kPageSize, PROT_READ, kAnonymous | MAP_FIXED, nullptr, 0));
    EXPECT_EQ(space.set_break(start + 5 * kPageSize), start + 4096);  // a page stays free below
    EXPECT_EQ(space.set_break(start + 4 * kPageSize), start + 4 * kPageSize);
    EXPECT_EQ(space.set_break(start), start);
  });
  EXPECT_EQ(rig.frames.free_frames(), rig.frames.total_frames());
}

}  // namespace
}  // namespace sluice::mm
