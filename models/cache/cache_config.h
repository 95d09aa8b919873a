// SPDX-License-Identifier: Apache-2.0
// Geometry and policies of the cache hierarchy. What a hit costs a core is the core's parameter (models/cpu).
#pragma once

#include "models/base/parameters.h"

namespace sluice::cache {

/// Size and associativity of one level. Lines are 64 bytes; the number of sets (size / 64 / ways) must be a multiple
/// of 64, so that the set index contains the position of the line in its page (see cache_level.h for why).
struct LevelGeometry {
  Bytes size = 0;
  unsigned ways = 0;
  [[nodiscard]] constexpr std::uint64_t sets() const { return size / kLineSize / ways; }
};

/// Default: one core slice of an Intel Xeon of 2019 (Cascade Lake) with the last level of a 20-core part.
struct CacheConfig {
  LevelGeometry l1{32_KiB, 8};        ///< data cache of each core
  LevelGeometry l2{1_MiB, 16};        ///< of each core
  LevelGeometry llc{28'160_KiB, 11};  ///< shared by all cores and devices
  bool ddio = true;
  unsigned ddio_ways = 2;
  bool no_fetch_full_line_writes = true;
  Picoseconds dma_hit_latency = 40_ns;
  ByteRate dma_read_rate{64'000'000'000};

  void describe(base::ParameterTable& table);
  /// Throws InputError with one sentence when the geometry cannot be built.
  void check() const;
};

}  // namespace sluice::cache
