// SPDX-License-Identifier: Apache-2.0
// Geometry and policies of the cache hierarchy. What a hit costs a core is the core's parameter (models/cpu).
#pragma once

#include "models/base/parameters.h"

namespace sluice::cache {

inline constexpr unsigned kMostWays = 32;

/// Size and associativity of one level. Lines are 64 bytes; the number of sets (size / 64 / ways) must be a multiple
/// of 64, so that the set index contains the position of the line in its page (see cache_level.h for why).
struct LevelGeometry {
  Bytes size = 0;
  unsigned ways = 0;
  [[nodiscard]] constexpr std::uint64_t sets() const { return size / kLineSize / ways; }
};

/// Default: one core slice of an Intel Xeon of 2019 (Cascade Lake) with the last level of a 20-core part.
struct CacheConfig : base::Parameters {
  static constexpr const char* kSkylake = "AnandTech 11550 (2017): Skylake-SP";

  LevelGeometry l1{
      .size = parameter(l1.size, "l1_size", 32_KiB, {4_KiB, 1_MiB}, "L1 data cache of each core", kSkylake),
      .ways = parameter(l1.ways, "l1_ways", 8, {1, kMostWays}, "associativity of L1", kSkylake),
  };
  LevelGeometry l2{
      .size = parameter(l2.size, "l2_size", 1_MiB, {4_KiB, 64_MiB}, "L2 cache of each core", kSkylake),
      .ways = parameter(l2.ways, "l2_ways", 16, {1, kMostWays}, "associativity of L2", kSkylake),
  };
  LevelGeometry llc{
      .size = parameter(llc.size, "llc_size", 28'160_KiB, {4_KiB, 1_GiB},
                        "last-level cache, shared by all cores and devices",
                        "estimate: 20 slices of 1.375 MiB, as recalled of the Intel Xeon Gold 6230"),
      .ways = parameter(llc.ways, "llc_ways", 11, {1, kMostWays}, "associativity of the last-level cache", kSkylake),
  };
  bool ddio = parameter(ddio, "ddio", true, "DMA writes go to the last-level cache (true) or to memory (false)",
                        "Intel DDIO page: since the Xeon E5");
  unsigned ddio_ways =
      parameter(ddio_ways, "ddio_ways", 2, {1, kMostWays},
                "lines per set that DMA writes may have allocated at a time; a DMA write that hits is not limited",
                "estimate: about 2 of 20 ways, second-hand from the SIGCOMM 2021 host network stack study");
  bool no_fetch_full_line_writes = parameter(
      no_fetch_full_line_writes, "no_fetch_full_line_writes", true,
      "a store of a whole line that misses takes ownership without reading the line from memory, as rep movsb "
      "does; false: every store miss reads the line",
      "Intel SDM volume 3, 8.2.4: fast-string stores invalidate the line and do not read it");
  Picoseconds dma_hit_latency = parameter(
      dma_hit_latency, "dma_hit_latency", 40_ns, {0_ps, 10_us},
      "from the root complex to the last-level cache and back for a DMA access that needs no DRAM", "estimate");
  ByteRate dma_read_rate = parameter(dma_read_rate, "dma_read_rate", 64_GBps, {1_MBps, 10'000_GBps},
                                     "fastest that one DMA read asks for its data; the link is usually slower",
                                     "estimate: about PCIe 5.0 x16");

  static std::vector<base::Rule<CacheConfig>> rules();
  /// Throws InputError with one sentence when the geometry cannot be built.
  void check() const;
};

}  // namespace sluice::cache
