// SPDX-License-Identifier: Apache-2.0
// Frames: blocks, references, reuse order, reclaim, and the report of breaches.
#include "kernel_sim/mm/frame_allocator.h"

#include <random>
#include <set>

#include <gtest/gtest.h>

#include "tests/support/fake_machine.h"

namespace sluice::mm {
namespace {

struct Rig {
  explicit Rig(std::uint32_t count = 2048, Frame first = Frame{0})
      : machine(fake.machine()), frames(machine, fake.ledger(), config, first, count) {}
  void run(std::function<void()> body) { fake.run("task", std::move(body)); }
  tests::FakeMachine fake{16_MiB};
  hal::Machine machine;
  MmConfig config;
  FrameAllocator frames;
};

TEST(FrameAllocator, LastFreedFrameIsUsedFirst) {
  Rig rig;
  rig.run([&] {
    const Frame a = rig.frames.allocate(Place::UserBuffer).value();
    const Frame b = rig.frames.allocate(Place::UserBuffer).value();
    EXPECT_EQ(b.number(), a.number() + 1);  // a fresh batch goes out in ascending order
    rig.frames.put(a);
    rig.frames.put(b);
    EXPECT_EQ(rig.frames.allocate(Place::PageCache).value(), b);
    EXPECT_EQ(rig.frames.allocate(Place::PageCache).value(), a);
    EXPECT_EQ(rig.fake.ledger().place_of(a), Place::PageCache);
  });
}

TEST(FrameAllocator, BlocksAreAlignedAndReferencedAsOne) {
  Rig rig{2048, Frame{3}};
  rig.run([&] {
    const Frame head = rig.frames.allocate(Place::SocketBuffer, 3).value();
    EXPECT_EQ(head.number() % 8, 0U);
    const Frame inside{head.number() + 5};
    EXPECT_EQ(rig.frames.head_of(inside), head);
    rig.frames.get(inside);
    EXPECT_EQ(rig.frames.references(head), 2U);
    EXPECT_EQ(rig.frames.held_frames(Place::SocketBuffer), 8U);
    rig.frames.put(head);
    EXPECT_EQ(rig.frames.free_frames(), 2040U);
    rig.frames.put(Fragment{inside.address() + 100, 7});
    EXPECT_EQ(rig.frames.free_frames(), 2048U);
    EXPECT_EQ(rig.frames.held_frames(Place::SocketBuffer), 0U);
  });
  EXPECT_TRUE(rig.frames.breaches().empty());
}

TEST(FrameAllocator, ChargesAllocationAndLastFree) {
  Rig rig;
  rig.run([&] {
    const auto start = rig.fake.time();
    const Frame frame = rig.frames.allocate(Place::UserBuffer).value();
    EXPECT_EQ(rig.fake.time() - start, 80_ns);
    rig.frames.get(frame);
    rig.frames.put(frame);
    EXPECT_EQ(rig.fake.time() - start, 80_ns);
    rig.frames.put(frame);
    EXPECT_EQ(rig.fake.time() - start, 158_ns);
  });
}

TEST(FrameAllocator, ReportsDoubleFreeAndReferenceToFreeFrame) {
  Rig rig;
  rig.run([&] {
    const Frame frame = rig.frames.allocate(Place::UserBuffer).value();
    rig.frames.put(frame);
    rig.frames.put(frame);
    rig.frames.get(frame);
    rig.frames.put(Frame{1'000'000});
  });
  ASSERT_EQ(rig.frames.breaches().size(), 3U);
  EXPECT_NE(rig.frames.breaches()[0].find("double free"), std::string::npos);
}

TEST(FrameAllocator, GivesEveryFrameOnceAndThenEnomem) {
  Rig rig{1000, Frame{5}};
  rig.run([&] {
    std::set<Frame> seen;
    while (const auto frame = rig.frames.allocate(Place::UserBuffer)) {
      ASSERT_TRUE(seen.insert(*frame).second);
      ASSERT_GE(frame->number(), 5U);
      ASSERT_LT(frame->number(), 1005U);
    }
    EXPECT_EQ(seen.size(), 1000U);
    EXPECT_EQ(rig.frames.allocate(Place::UserBuffer).error().value, ENOMEM);
    for (const auto frame : seen) rig.frames.put(frame);
    EXPECT_EQ(rig.frames.free_frames(), 1000U);
    EXPECT_TRUE(rig.frames.allocate(Place::UserBuffer, 8).has_value());  // buddies have merged again
  });
}

TEST(FrameAllocator, AsksTheReclaimerBeforeMemoryRunsOut) {
  Rig rig{512};
  std::vector<Frame> cache;
  unsigned calls = 0;
  rig.frames.add_reclaimer(&rig, [&](std::uint64_t wanted) {
    ++calls;
    std::uint64_t freed = 0;
    for (; freed < wanted && !cache.empty(); ++freed) {
      rig.frames.put(cache.back());
      cache.pop_back();
    }
    return freed;
  });
  rig.run([&] {
    for (int i = 0; i < 400; ++i) cache.push_back(rig.frames.allocate(Place::PageCache).value());
    for (int i = 0; i < 480; ++i) ASSERT_TRUE(rig.frames.allocate(Place::UserBuffer).has_value()) << i;
  });
  EXPECT_GT(calls, 0U);
  EXPECT_LE(cache.size(), 32U);
}

TEST(FrameAllocator, RandomBlocksNeverOverlapAndAllComeBack) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Rig rig{3000, Frame{seed * 7}};
    rig.run([&] {
      std::mt19937 engine{seed};
      const auto random = [&] { return static_cast<std::uint32_t>(engine()); };
      struct Block {
        Frame head;
        unsigned order;
      };
      std::vector<Block> blocks;
      std::vector<bool> used(4096);
      for (int step = 0; step < 3000; ++step) {
        if (random() % 5 < 3) {
          const unsigned order = random() % 10;
          const auto head = rig.frames.allocate(Place::UserBuffer, order);
          if (!head) continue;
          ASSERT_EQ(head->number() % (1U << order), 0U);
          for (unsigned i = 0; i < 1U << order; ++i) {
            ASSERT_FALSE(used[head->number() + i]);
            used[head->number() + i] = true;
          }
          blocks.push_back({*head, order});
        } else if (!blocks.empty()) {
          std::swap(blocks[random() % blocks.size()], blocks.back());
          for (unsigned i = 0; i < 1U << blocks.back().order; ++i) used[blocks.back().head.number() + i] = false;
          rig.frames.put(Frame{blocks.back().head.number() + random() % (1U << blocks.back().order)});
          blocks.pop_back();
        }
      }
      for (const auto& block : blocks) rig.frames.put(block.head);
      EXPECT_EQ(rig.frames.free_frames(), 3000U);
    });
    EXPECT_TRUE(rig.frames.breaches().empty());
  }
}

TEST(FrameAllocator, HalvesABlockThatNobodyElseHolds) {
  Rig rig{4096};
  rig.run([&] {
    const Frame head = rig.frames.allocate(Place::PageCache, 3).value();
    EXPECT_FALSE(rig.frames.halve(head));  // one reference for eight frames
    rig.frames.get(head, 7);
    rig.frames.get(head);
    EXPECT_FALSE(rig.frames.halve(head));  // one more than frames
    rig.frames.put(head);
    ASSERT_TRUE(rig.frames.halve(head));
    const Frame upper{head.number() + 4};
    EXPECT_EQ(rig.frames.size_of(head), 4U);
    EXPECT_EQ(rig.frames.head_of(Frame{upper.number() + 3}), upper);
    EXPECT_EQ(rig.frames.references(upper), 4U);
    const auto free = rig.frames.free_frames();
    rig.frames.put(Frame{upper.number() + 1}, 4);
    EXPECT_EQ(rig.frames.free_frames(), free + 4);
    EXPECT_EQ(rig.frames.references(head), 4U);
    rig.frames.put(head, 4);
  });
  EXPECT_EQ(rig.frames.free_frames(), 4096U);
  EXPECT_TRUE(rig.frames.breaches().empty());
}

TEST(FrameAllocator, TooManyReferencesGivenBackAreABreach) {
  Rig rig{4096};
  rig.run([&] {
    const Frame head = rig.frames.allocate(Place::PageCache, 1).value();
    rig.frames.put(head, 2);
  });
  EXPECT_EQ(rig.frames.free_frames(), 4096U);
  EXPECT_EQ(rig.frames.breaches().size(), 1U);
}

TEST(FrameAllocator, TryingGivesUpWhereAllocatingReclaims) {
  Rig rig{4096};
  unsigned asked = 0;
  rig.frames.add_reclaimer(&rig, [&](std::uint64_t) {
    ++asked;
    return 0;
  });
  rig.run([&] {
    std::vector<Frame> held;
    for (;;) {
      const auto block = rig.frames.try_allocate(Place::PageCache, 4);
      if (!block) break;
      held.push_back(*block);
    }
    EXPECT_EQ(asked, 0U);
    EXPECT_LT(rig.frames.free_frames(), rig.frames.low_watermark() + 16);
    EXPECT_GE(rig.frames.free_frames(), rig.frames.low_watermark());
    for (const auto frame : held) rig.frames.put(frame);
  });
  EXPECT_EQ(rig.frames.free_frames(), 4096U);
}

}  // namespace
}  // namespace sluice::mm
