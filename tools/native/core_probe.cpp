// SPDX-License-Identifier: Apache-2.0
#include "tools/native/core_probe.h"

#include <algorithm>
#include <array>
#include <ctime>

namespace sluice::native {

std::int64_t probe_core() {
  constexpr unsigned kSteps = 2000;
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
  };
  const std::int64_t begin = now();
  std::uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
  for (unsigned i = 0; i < kSteps; ++i) {
    a += b, c += d, e += f, b ^= 3, d ^= c, f ^= e;
    // The compiler must not know the values, or it would do without the loop.
    asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
  }
  return now() - begin;
}

}  // namespace sluice::native
