// SPDX-License-Identifier: Apache-2.0
// Whether this core is all ours. On a hyper-threaded host (and to a virtual machine, unseen) the other thread of the
// core may be at work: system calls then take half as much again, while the clock and the chain of dependent
// instructions that other calibrations time stay as they are.
#pragma once

#include <cstdint>

namespace sluice::native {

/// Nanoseconds that a fixed piece of independent instructions takes, about a microsecond. Longer by a half or more
/// when the core is shared; to be compared with the shortest that was seen on this host.
std::int64_t probe_core();
/// Whether a probe says that the core is shared, given the shortest that was seen.
constexpr bool core_is_shared(std::int64_t probe_ns, std::int64_t shortest_ns) {
  return 5 * probe_ns >= 6 * shortest_ns;
}

/// A core of one's own and a shared one, as a calibration found them on this host.
struct CoreSharing {
  std::int64_t own_probe_ns = 0;  ///< 0: not known
  double longer = 1;              ///< times as long on a shared core
};

}  // namespace sluice::native
