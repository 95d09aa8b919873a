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

}  // namespace sluice::native
