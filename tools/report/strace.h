// SPDX-License-Identifier: Apache-2.0
// A run's system calls in strace's form, with simulated time.
#pragma once

#include <string>

#include "tools/report/run_text.h"

namespace sluice::report {

/// One line per call, in the order of their return, with the time since the first of them began:
///   [read_write] 0.000001250 read(3, 0x7f0000000000, 65536) = 65536 <0.000042100>
std::string strace_text(const RunResult& run);

}  // namespace sluice::report
