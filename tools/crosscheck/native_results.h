// SPDX-License-Identifier: Apache-2.0
// The samples of a native run as results.
#pragma once

#include <string>
#include <vector>

#include "tools/crosscheck/reference_core.h"
#include "tools/native/measured_transfer.h"
#include "tools/results/run_result.h"

namespace sluice::crosscheck {

struct NativeRun {
  std::uint64_t payload = 0;                           ///< bytes, of all connections
  std::string sha256 = {};                             ///< of what was sent; empty when nobody verifies
  std::string sha256_of_connection = {};               ///< of what each connection sent; likewise
  unsigned warm_up = 0;                                ///< repetitions before the samples
  unsigned cores = 1;                                  ///< that senders and receivers have
  std::vector<native::TransferSample> samples = {};    ///< up to the first that failed
  std::vector<native::TransferSample> set_aside = {};  ///< counts alone are looked at
  ReferenceCore core = {};
};

/// Times become those of the reference core; samples that count no more for them are set aside.
void settle(NativeRun& run, std::size_t enough);

/// Everything of a run's result behind its heading; failures alone when a sample failed.
void add_measured(results::RunResult& result, const NativeRun& run);

}  // namespace sluice::crosscheck
