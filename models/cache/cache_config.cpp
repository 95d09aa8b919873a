// SPDX-License-Identifier: Apache-2.0
#include "models/cache/cache_config.h"

#include "models/base/result.h"

namespace sluice::cache {
namespace {

bool fits(const LevelGeometry& level) {
  const Bytes unit = Bytes{level.ways} * kLinesPerPage * kLineSize;
  return unit != 0 && level.ways <= kMostWays && level.size != 0 && level.size % unit == 0;
}

}  // namespace

std::vector<base::Rule<CacheConfig>> CacheConfig::rules() {
  return {
      {{"l1_size", "l1_ways"},
       "l1_size must be a multiple of l1_ways x 4 KiB",
       [](const CacheConfig& c) { return fits(c.l1); }},
      {{"l2_size", "l2_ways"},
       "l2_size must be a multiple of l2_ways x 4 KiB",
       [](const CacheConfig& c) { return fits(c.l2); }},
      {{"llc_size", "llc_ways"},
       "llc_size must be a multiple of llc_ways x 4 KiB",
       [](const CacheConfig& c) { return fits(c.llc); }},
      {{"ddio", "ddio_ways", "llc_ways"},
       "with ddio, ddio_ways must be 1 to llc_ways",
       [](const CacheConfig& c) { return !c.ddio || (c.ddio_ways != 0 && c.ddio_ways <= c.llc.ways); }},
  };
}

void CacheConfig::check() const {
  if (const std::string broken = broken_rule(*this); !broken.empty()) throw base::InputError{"cache: " + broken};
}

}  // namespace sluice::cache
