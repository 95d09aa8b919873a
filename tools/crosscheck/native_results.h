// SPDX-License-Identifier: Apache-2.0
// The samples of a native run as results.
#pragma once

#include <string>
#include <vector>

#include "tools/native/core_probe.h"
#include "tools/native/measured_transfer.h"
#include "tools/results/run_result.h"

namespace sluice::crosscheck {

struct NativeRun {
  std::uint64_t payload = 0;                    ///< bytes
  std::string sha256;                           ///< of what was sent; empty when nobody verifies
  unsigned warm_up = 0;                         ///< repetitions before the samples
  std::vector<native::TransferSample> samples;  ///< up to the first that failed
  native::CoreSharing sharing = {};             ///< as calibrated, or with the shortest probe of all runs so far
};

/// With a calibration, times are those of a core of one's own: the share of a transfer's time that was on a shared core
/// counts less by what sharing costs.
void settle_sharing(NativeRun& run);

/// Everything of a run's result behind its heading; failures alone when a sample failed.
void add_measured(results::RunResult& result, const NativeRun& run);

}  // namespace sluice::crosscheck
