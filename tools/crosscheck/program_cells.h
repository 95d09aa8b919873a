// SPDX-License-Identifier: Apache-2.0
// A simulated and a native run of the same programs, held against each other.
#pragma once

#include <vector>

#include "tools/results/crosscheck_result.h"

namespace sluice::crosscheck {

/// A cell for each measure; of runs that measure nothing, for each of the scenario's processes. One without counts when
/// a side failed.
std::vector<results::Cell> program_cells(const results::RunResult& simulated, const results::RunResult& native);

/// The distributions that both report.
std::vector<results::SamplePair> sample_pairs(const results::RunResult& simulated, const results::RunResult& native);

/// A sentence for each name that only one side has, each end of a process, counter and printed line that differs.
std::vector<std::string> program_differences(const results::RunResult& simulated, const results::RunResult& native);

}  // namespace sluice::crosscheck
