// SPDX-License-Identifier: Apache-2.0
#include "tools/native/compute.h"

#include <algorithm>
#include <ctime>

namespace sluice::native {

namespace {

/// A chain in which each step waits for the one before, so that its speed does not depend on what surrounds it.
void spin(std::uint64_t steps) {
  std::uint64_t x = 1;
  for (std::uint64_t i = 0; i < steps; ++i) {
    x = x * 6364136223846793005U + 1442695040888963407U;
    // The compiler must not know x, or it would do without the loop.
    asm volatile("" : "+r"(x));
  }
}

double cpu_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// The best of several short measurements: interrupts and other users of the core only ever lengthen one.
double measure_steps_per_nanosecond() {
  constexpr std::uint64_t kSteps = 200'000;
  constexpr int kRepetitions = 8;
  double best = 0;
  for (int i = 0; i < kRepetitions; ++i) {
    const double begin = cpu_nanoseconds();
    spin(kSteps);
    best = std::max(best, static_cast<double>(kSteps) / std::max(cpu_nanoseconds() - begin, 1.0));
  }
  return best;
}

double steps_per_nanosecond() {
  static const double found = measure_steps_per_nanosecond();
  return found;
}

}  // namespace

void calibrate_compute() { steps_per_nanosecond(); }

void compute(std::uint64_t nanoseconds) {
  spin(static_cast<std::uint64_t>(static_cast<double>(nanoseconds) * steps_per_nanosecond()));
}

}  // namespace sluice::native
