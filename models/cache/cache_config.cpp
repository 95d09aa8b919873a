// SPDX-License-Identifier: Apache-2.0
#include "models/cache/cache_config.h"

#include "models/base/result.h"

namespace sluice::cache {
namespace {

void check_level(const char* name, const LevelGeometry& level) {
  const Bytes unit = Bytes{level.ways} * kLinesPerPage * kLineSize;
  if (level.ways == 0 || level.ways > kMostWays || level.size == 0 || level.size % unit != 0) {
    throw base::InputError{std::string{"cache."} + name + ": the size must be a multiple of ways x 4 KiB (" +
                           base::to_text(Bytes{level.ways} * kPageSize) + "), is " + base::to_text(level.size)};
  }
}

}  // namespace

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
