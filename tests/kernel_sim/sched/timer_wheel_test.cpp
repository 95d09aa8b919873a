// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/sched/timer_wheel.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace sluice::tests {
namespace {

using sched::wheel_wait;

constexpr Picoseconds kTick = 4_ms;

Picoseconds ticks(std::int64_t count) { return kTick * count; }

TEST(TimerWheel, ATimerWithoutDelayWaitsForTheNextTick) {
  EXPECT_EQ(wheel_wait(1_ms, 0_ms, kTick), 3_ms);
  EXPECT_EQ(wheel_wait(8_ms, 0_ms, kTick), 4_ms);
}

TEST(TimerWheel, ATickThatHasBegunDoesNotCount) {
  EXPECT_EQ(wheel_wait(0_ms, 40_ms, kTick), 44_ms);
  EXPECT_EQ(wheel_wait(3_ms, 40_ms, kTick), 41_ms);
  EXPECT_EQ(wheel_wait(3_ms, 39_ms, kTick), 41_ms) << "a fraction of a tick is one";
  EXPECT_EQ(wheel_wait(0_ms, 200_ms, kTick), 204_ms);
}

TEST(TimerWheel, FarTimersAreCoarse) {
  EXPECT_EQ(wheel_wait(0_ms, ticks(63), kTick), ticks(64)) << "the last of single ticks";
  EXPECT_EQ(wheel_wait(0_ms, ticks(64), kTick), ticks(72));
  EXPECT_EQ(wheel_wait(0_ms, 1000_ms, kTick), 1024_ms);
  EXPECT_EQ(wheel_wait(0_ms, ticks(505), kTick), ticks(512));
  EXPECT_EQ(wheel_wait(0_ms, ticks(600), kTick), ticks(640));
}

}  // namespace
}  // namespace sluice::tests
