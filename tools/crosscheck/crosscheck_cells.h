// SPDX-License-Identifier: Apache-2.0
// A simulated and a native run of the same plan, held against each other.
#pragma once

#include <vector>

#include "tools/results/crosscheck_result.h"
#include "tools/scenario/tolerance.h"

namespace sluice::crosscheck {

/// Host faults that differ by no more are taken for equal: where read-ahead lets a folio begin and end depends on the
/// memory that happens to be free (377 became 409 on a host whose memory had been in use for a while), and a mark may
/// touch a page of its own.
inline constexpr double kFaultShare = 0.1;
inline constexpr double kFaults = 2;

/// What is equal and what differs, with the above.
results::CountsPair compare_counts(const results::SenderCounts& predicted, const results::SenderCounts& measured);
results::TimePair time_pair(std::int64_t predicted, std::int64_t measured, double spread);

/// Of a side that failed, no counts and no times.
results::Cell cell_of(const results::RunResult& simulated, const results::RunResult& native);

/// The cells' statistics. The order is that of the strategies at each point; of programs, that of the points in each
/// measure. `counts_only` leaves the times out.
results::Summary summarise_cells(const std::vector<results::Cell>& cells, bool counts_only);

/// Per pair of strategies and per point of the other axes, where the one becomes cheaper in CPU time than the other;
/// pairs without any are left out. Measured costs that do not differ by more than the spread decide nothing.
std::vector<results::Crossover> crossovers_of(const std::vector<results::Cell>& cells);

/// A sentence for each thing that is out of tolerance.
std::vector<std::string> breaches_of(const results::Summary& summary, const scenario::Tolerance& tolerance);

}  // namespace sluice::crosscheck
