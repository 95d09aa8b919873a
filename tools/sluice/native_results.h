// SPDX-License-Identifier: Apache-2.0
// The samples of a native run as results.
#pragma once

#include <string>
#include <vector>

#include "tools/native/measured_transfer.h"
#include "tools/report/json.h"

namespace sluice::tool {

struct NativeRun {
  std::uint64_t payload = 0;                    ///< bytes
  std::string sha256;                           ///< of what was sent; empty when nobody verifies
  unsigned warm_up = 0;                         ///< repetitions before the samples
  std::vector<native::TransferSample> samples;  ///< up to the first that failed
  std::int64_t shortest_probe_ns = 0;           ///< of core_probe.h, in all runs so far
};

/// Everything of a run's results behind its heading; only "failures" when a sample failed.
report::Json results_of(const NativeRun& run);

}  // namespace sluice::tool
