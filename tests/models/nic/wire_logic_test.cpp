// SPDX-License-Identifier: Apache-2.0
#include "models/nic/wire_logic.h"

#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sluice::nic {
namespace {

TEST(WireBytes, AFrameCostsPreambleChecksumAndGap) {
  EXPECT_EQ(wire_bytes(1514), 1538U);
  EXPECT_EQ(wire_bytes(66), 90U);
  EXPECT_EQ(wire_bytes(60), 84U);
}

TEST(WireBytes, AShortFrameIsPadded) { EXPECT_EQ(wire_bytes(10), 84U); }  // the classical 64-byte minimum and 20

TEST(Goodput, IsThePayloadShareOfAFullFrame) {
  EXPECT_EQ(goodput(BitRate{10'000'000'000}, 1500).value(), 1'176'853'055U);  // 1.25e9 x 1448 / 1538
  EXPECT_EQ(goodput(BitRate{25'000'000'000}, 9000).value(), 3'093'881'389U);  // 3.125e9 x 8948 / 9038
}

/// One entry of `ready` per frame would say the same; tests write only what matters.
BurstTiming schedule(unsigned frames, Picoseconds free, std::vector<FrameReady> ready, Picoseconds full = 100_ns,
                     Picoseconds last = 100_ns) {
  return schedule_burst(frames, full, last, free, ready);
}

TEST(BurstSchedule, FastMemoryLeavesFramesBackToBack) {
  const BurstTiming timing = schedule(10, 0_ns, {{0, 50_ns}, {9, 200_ns}});
  EXPECT_EQ(timing.first_start, 50_ns);
  EXPECT_EQ(timing.interval, 100_ns);
  EXPECT_EQ(timing.end(), 1050_ns);
  EXPECT_EQ(timing.busy(), 1000_ns);
}

TEST(BurstSchedule, ABusyWireDelaysTheFirstFrame) {
  const BurstTiming timing = schedule(10, 700_ns, {{0, 50_ns}, {9, 200_ns}});
  EXPECT_EQ(timing.first_start, 700_ns);
  EXPECT_EQ(timing.end(), 1700_ns);
}

TEST(BurstSchedule, SlowMemorySpreadsTheFrames) {
  const BurstTiming timing = schedule(10, 0_ns, {{0, 100_ns}, {9, 1900_ns}});
  EXPECT_EQ(timing.first_start, 100_ns);
  EXPECT_EQ(timing.interval, 200_ns);
  EXPECT_EQ(timing.end(), 2000_ns);
}

TEST(BurstSchedule, TheLastFrameMayBeShorter) {
  const BurstTiming timing = schedule(3, 0_ns, {{2, 0_ns}}, 100_ns, 40_ns);
  EXPECT_EQ(timing.end(), 240_ns);
  EXPECT_EQ(timing.busy(), 240_ns);
}

RC_GTEST_PROP(BurstScheduleProperty, NoFrameStartsBeforeItsBytesOrBeforeTheWireIsFree, ()) {
  const auto frames = *rc::gen::inRange(1U, 50U);
  const Picoseconds full{*rc::gen::inRange<std::int64_t>(1, 1000)};
  const Picoseconds free{*rc::gen::inRange<std::int64_t>(0, 50'000)};
  // Completion instants at some frames, ascending, the last frame among them.
  std::vector<FrameReady> ready;
  Picoseconds at{*rc::gen::inRange<std::int64_t>(0, 50'000)};
  for (unsigned frame = 0; frame < frames; ++frame) {
    at += Picoseconds{*rc::gen::inRange<std::int64_t>(0, 3000)};
    if (frame + 1 == frames || *rc::gen::arbitrary<bool>()) ready.push_back({frame, at});
  }
  const BurstTiming timing = schedule_burst(frames, full, full, free, ready);
  RC_ASSERT(timing.first_start >= free);
  RC_ASSERT(frames == 1U || timing.interval >= full);
  for (const FrameReady& r : ready) RC_ASSERT(timing.first_start + timing.interval * r.frame >= r.at);
}

TEST(TransmitFifo, GivesRoomBackFrameByFrame) {
  TransmitFifo fifo{10'000};
  const BurstTiming timing = schedule(8, 0_ns, {{7, 0_ns}});  // frame i ends at (i + 1) x 100 ns
  fifo.add(8066, 1000, timing);
  EXPECT_EQ(fifo.held(0_ns), 8066U);
  EXPECT_EQ(fifo.room_at(1934, 0_ns), 0_ns);
  EXPECT_EQ(fifo.room_at(1935, 0_ns), 100_ns);
  EXPECT_EQ(fifo.room_at(2934, 0_ns), 100_ns);
  EXPECT_EQ(fifo.room_at(2935, 0_ns), 200_ns);
  EXPECT_EQ(fifo.room_at(10'000, 0_ns), 800_ns);
  EXPECT_EQ(fifo.held(250_ns), 6066U);
  EXPECT_EQ(fifo.room_at(10'000, 900_ns), 900_ns);
  EXPECT_EQ(fifo.held(900_ns), 0U);
}

RC_GTEST_PROP(TransmitFifoProperty, NeverHoldsMoreThanItsCapacityAndNeverWaitsTooLong, ()) {
  constexpr Bytes kCapacity = 20'000;
  TransmitFifo fifo{kCapacity};
  Picoseconds now, free;
  const int steps = *rc::gen::inRange(1, 60);
  for (int step = 0; step < steps; ++step) {
    const Bytes frame = *rc::gen::inRange<Bytes>(1, 1500);
    const auto frames = *rc::gen::inRange(1U, 7U);
    const Bytes size = frame * frames;
    const Picoseconds before = now;
    now = fifo.room_at(size, now);
    TransmitFifo copy = fifo;
    RC_ASSERT(fifo.held(now) + size <= kCapacity);
    if (now > before) RC_ASSERT(copy.held(now - 1_ps) + size > kCapacity);
    const BurstTiming timing = schedule(frames, free, {{frames - 1, now}}, 50_ns, 50_ns);
    free = timing.end();
    fifo.add(size, frame, timing);
  }
}

}  // namespace
}  // namespace sluice::nic
