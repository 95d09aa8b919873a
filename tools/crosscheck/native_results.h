// SPDX-License-Identifier: Apache-2.0
// The samples of a native run as results.
#pragma once

#include <string>
#include <vector>

#include "tools/native/measured_transfer.h"
#include "tools/results/run_result.h"

namespace sluice::crosscheck {

/// The core that times are worked out for (core_probe.h).
struct ReferenceCore {
  double own_ratio = 0;  ///< of a core of one's own; 0: not known
  double clock = 0;      ///< hertz; 0: there is no calibration
  double longer = 1;     ///< times as long on a shared core, where a run's repetitions do not tell
};

struct NativeRun {
  std::uint64_t payload = 0;                      ///< bytes
  std::string sha256;                             ///< of what was sent; empty when nobody verifies
  unsigned warm_up = 0;                           ///< repetitions before the samples
  unsigned cores = 1;                             ///< that sender and receiver have
  std::vector<native::TransferSample> samples;    ///< up to the first that failed
  std::vector<native::TransferSample> set_aside;  ///< counts alone are looked at
  ReferenceCore core = {};
};

/// Share of a transfer's time during which something else had a part of the core.
double shared_share(const native::TransferSample& sample, double own_ratio);
/// Whether a transfer had the core nearly all to itself.
bool undisturbed(const native::TransferSample& sample, double own_ratio);

/// With a calibration, times become those of the reference core. When at least `enough` samples were undisturbed the
/// others are set aside; else the share of each that was on a shared core counts less by what sharing costs this
/// transfer.
void settle(NativeRun& run, std::size_t enough);

/// Everything of a run's result behind its heading; failures alone when a sample failed.
void add_measured(results::RunResult& result, const NativeRun& run);

}  // namespace sluice::crosscheck
