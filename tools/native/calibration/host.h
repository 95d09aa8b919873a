// SPDX-License-Identifier: Apache-2.0
// What the host says of itself: identity, and settings of its kernel that are parameters of a platform.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "models/base/types.h"
#include "tools/native/sysctls.h"

namespace sluice::calibration {

/// Where a calibration was made. Compared when it is used.
struct HostIdentity {
  std::string cpu;     ///< model name of /proc/cpuinfo
  std::string kernel;  ///< release
};
HostIdentity identify_host();
/// Of today, UTC: "2026-11-25".
std::string today();

using Fact = native::HostFact;
/// All that this process may read; what is missing here keeps its published value. `file_system` is any folder on the
/// file system that is of interest (for its read-ahead). `cpu` is a core.
std::vector<Fact> read_facts(const std::filesystem::path& file_system, int cpu);

/// A data or unified cache of a core, from sysfs.
struct CacheGeometry {
  unsigned level = 0;
  base::Bytes size = 0;
  unsigned ways = 0;
};
std::vector<CacheGeometry> read_caches(int cpu);

/// True when `release` ("6.18.4-x") is `major`.`minor` or later.
bool release_at_least(const std::string& release, int major, int minor);

}  // namespace sluice::calibration
