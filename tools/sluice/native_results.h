// SPDX-License-Identifier: Apache-2.0
// The samples of a native run as results.
#pragma once

#include <string>
#include <vector>

#include "tools/native/core_probe.h"
#include "tools/native/measured_transfer.h"
#include "tools/report/json.h"

namespace sluice::tool {

struct NativeRun {
  std::uint64_t payload = 0;                    ///< bytes
  std::string sha256;                           ///< of what was sent; empty when nobody verifies
  unsigned warm_up = 0;                         ///< repetitions before the samples
  std::vector<native::TransferSample> samples;  ///< up to the first that failed
  native::CoreSharing sharing = {};             ///< as calibrated, or with the shortest probe of all runs so far
};

/// Transfers during which, as far as one can tell, nobody else had a part of the core.
std::size_t on_own_core(const NativeRun& run);
/// So many of them are enough to do without the others.
inline constexpr std::size_t kEnoughOnOwnCore = 3;

/// With a calibration, times are those of a core of one's own: where there are not enough of these, a transfer on a
/// shared core counts less by what sharing costs, and one during which that changed only when there is no other.
void settle_sharing(NativeRun& run);

/// Everything of a run's results behind its heading; only "failures" when a sample failed.
report::Json results_of(const NativeRun& run);

}  // namespace sluice::tool
