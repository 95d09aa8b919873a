// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/sched/timer_wheel.h"

#include <cstdint>

namespace sluice::sched {

namespace {
constexpr int kLevelShift = 3;                 // LVL_CLK_SHIFT: each level is so much coarser
constexpr int kLastLevel = 8;                  // LVL_DEPTH - 1
constexpr std::int64_t kFirstLevelTicks = 63;  // LVL_START(1)
}  // namespace

Picoseconds wheel_wait(Picoseconds now, Picoseconds delay, Picoseconds tick) {
  const std::int64_t period = tick.count();
  const std::int64_t current = now.count() / period;
  const std::int64_t expires = current + (delay.count() + period - 1) / period;
  const std::int64_t distance = expires - (current + 1);  // from the tick that the wheel looks at next
  int level = 0;
  while (level < kLastLevel && distance >= kFirstLevelTicks << (kLevelShift * level)) ++level;
  const int shift = kLevelShift * level;
  return Picoseconds{(((expires >> shift) + 1) << shift) * period} - now;
}

}  // namespace sluice::sched
