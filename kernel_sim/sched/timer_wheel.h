// SPDX-License-Identifier: Apache-2.0
// When a timer of the kernel expires: with a tick, never early, and the farther away the coarser (Linux
// kernel/time/timer.c, calc_wheel_index). High-resolution timers, those of programs that sleep, do not pass here.
#pragma once

#include "models/base/time.h"

namespace sluice::sched {

/// How long a timer waits that is set at `now` to expire after `delay`, with ticks at the multiples of `tick`. At least
/// `delay` and up to the tick after it; from 63 ticks on to a multiple of 8 ticks, from 504 on of 64, and so on.
Picoseconds wheel_wait(Picoseconds now, Picoseconds delay, Picoseconds tick);

}  // namespace sluice::sched
