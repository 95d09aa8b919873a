// SPDX-License-Identifier: Apache-2.0
// Busy work of a known length, for programs that compute between their calls.
#pragma once

#include <cstdint>

namespace sluice::native {

/// Measures the loop, the first time that a process or one that it was forked from calls it.
void calibrate_compute();

/// Keeps the core busy for about `nanoseconds`. It is work, not waiting: on a slower or shared core it takes longer.
void compute(std::uint64_t nanoseconds);

}  // namespace sluice::native
