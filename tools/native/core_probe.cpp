// SPDX-License-Identifier: Apache-2.0
#include "tools/native/core_probe.h"

#include <algorithm>

#include "tools/native/measured_region.h"

namespace sluice::native {
namespace {

template <class Work>
double timed(double reading_ns, Work&& work) {
  const std::int64_t begin = monotonic_ns();
  work();
  return std::max(static_cast<double>(monotonic_ns() - begin) - reading_ns, 1.0);
}

}  // namespace

CoreProbe probe_core() {
  constexpr unsigned kCyclesEach = 3;  // imul of 64 bits, on all x86-64 cores since 2008 (Agner Fog's tables)
  constexpr unsigned kMultiplications = CoreProbe::kChainCycles / kCyclesEach;
  constexpr unsigned kAdditions = 1400;
  static const double reading_ns = clock_reading_ns();
  // The compiler must not know the values, or it would do without the work.
  CoreProbe probe;
  probe.chain_ns = timed(reading_ns, [] {
    std::uint64_t x = 3;
    for (unsigned i = 0; i < kMultiplications; ++i) {
      x *= x;
      asm volatile("" : "+r"(x));
    }
  });
  probe.independent_ns = timed(reading_ns, [] {
    std::uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
    for (unsigned i = 0; i < kAdditions; ++i) {
      a += b, c += d, e += f, b ^= 3, d ^= c, f ^= e;
      asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
    }
  });
  return probe;
}

std::optional<double> own_ratio(std::vector<double> ratios) {
  if (ratios.empty()) return std::nullopt;
  std::ranges::sort(ratios);
  // An interrupt within the chain makes a ratio too small, but seldom, and never the same.
  constexpr double kClose = 1.015;
  const std::size_t enough = std::max<std::size_t>(ratios.size() / 33, 1);
  for (std::size_t i = 0; i + enough <= ratios.size(); ++i) {
    if (ratios[i + enough - 1] <= ratios[i] * kClose) return ratios[i + (enough - 1) / 2];
  }
  return ratios[ratios.size() / 2];
}

}  // namespace sluice::native
