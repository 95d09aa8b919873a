// SPDX-License-Identifier: Apache-2.0
#include "models/cache/cache_config.h"

#include "models/base/result.h"

namespace sluice::cache {
namespace {

constexpr unsigned kMostWays = 32;

void check_level(const char* name, const LevelGeometry& level) {
  const Bytes unit = Bytes{level.ways} * kLinesPerPage * kLineSize;
  if (level.ways == 0 || level.ways > kMostWays || level.size == 0 || level.size % unit != 0) {
    throw base::InputError{std::string{"cache."} + name + ": the size must be a multiple of ways x 4 KiB (" +
                           base::to_text(Bytes{level.ways} * kPageSize) + "), is " + base::to_text(level.size)};
  }
}

}  // namespace

void CacheConfig::describe(base::ParameterTable& table) {
  const std::string skylake = "AnandTech 11550 (2017): Skylake-SP";
  table.add("l1_size", l1.size, {4_KiB, 1_MiB}, "L1 data cache of each core", skylake);
  table.add("l1_ways", l1.ways, {1, kMostWays}, "associativity of L1", skylake);
  table.add("l2_size", l2.size, {4_KiB, 64_MiB}, "L2 cache of each core", skylake);
  table.add("l2_ways", l2.ways, {1, kMostWays}, "associativity of L2", skylake);
  table.add("llc_size", llc.size, {4_KiB, 1_GiB}, "last-level cache, shared by all cores and devices",
            "estimate: 20 slices of 1.375 MiB, as recalled of the Intel Xeon Gold 6230");
  table.add("llc_ways", llc.ways, {1, kMostWays}, "associativity of the last-level cache", skylake);
  table.add("ddio", ddio, "DMA writes go to the last-level cache (true) or to memory (false)",
            "Intel DDIO page: since the Xeon E5");
  table.add("ddio_ways", ddio_ways, {1, kMostWays},
            "lines per set that DMA writes may have allocated at a time; a DMA write that hits is not limited",
            "estimate: about 2 of 20 ways, second-hand from the SIGCOMM 2021 host network stack study");
  table.add("no_fetch_full_line_writes", no_fetch_full_line_writes,
            "a store of a whole line that misses takes ownership without reading the line from memory, as rep movsb "
            "does; false: every store miss reads the line",
            "Intel SDM volume 3, 8.2.4: fast-string stores invalidate the line and do not read it");
  table.add("dma_hit_latency", dma_hit_latency, {0_ps, 10_us},
            "from the root complex to the last-level cache and back for a DMA access that needs no DRAM", "estimate");
  table.add("dma_read_rate", dma_read_rate, {ByteRate{1'000'000}, ByteRate{10'000'000'000'000}},
            "fastest that one DMA read asks for its data; the link is usually slower", "estimate: about PCIe 5.0 x16");
}

void CacheConfig::check() const {
  check_level("l1", l1);
  check_level("l2", l2);
  check_level("llc", llc);
  if (ddio && (ddio_ways == 0 || ddio_ways > llc.ways)) {
    throw base::InputError{"cache.ddio_ways: must be 1 to llc_ways (" + std::to_string(llc.ways) + "), is " +
                           std::to_string(ddio_ways)};
  }
}

}  // namespace sluice::cache
