// SPDX-License-Identifier: Apache-2.0
// Phrases about one run that several reports share.
#pragma once

#include <string>

#include "tools/results/json.h"

namespace sluice::report {

/// Chunks of all files: the article speaks of one round, one chunk.
double rounds_of(const Json& run);
/// "nic.rate = 25 Gbps, workload.chunk = 4 KiB"; empty without axes.
std::string point_text(const Json& run);
/// "64 KiB file, chunks of 64 KiB, page cache cold".
std::string workload_text(const Json& run);
/// "read x 4, write x 4".
std::string calls_text(const Json& run);

}  // namespace sluice::report
