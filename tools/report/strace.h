// SPDX-License-Identifier: Apache-2.0
// A run's system calls in strace's form, with simulated time.
#pragma once

#include <string>

#include "tools/results/json.h"

namespace sluice::report {

/// One line per entry of run["strace"]:
///   [read_write] 0.000001250 read(3, 0x7f0000000000, 65536) = 65536 <0.000042100>
std::string strace_text(const Json& run);

}  // namespace sluice::report
