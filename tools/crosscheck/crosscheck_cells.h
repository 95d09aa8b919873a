// SPDX-License-Identifier: Apache-2.0
// A simulated and a native run of the same plan, held against each other.
#pragma once

#include "tools/results/json.h"
#include "tools/scenario/tolerance.h"

namespace sluice::tool {

/// Host faults that differ by no more are taken for equal: where read-ahead lets a folio begin and end depends on the
/// memory that happens to be free (377 became 409 on a host whose memory had been in use for a while), and a mark may
/// touch a page of its own.
inline constexpr double kFaultShare = 0.1;
inline constexpr double kFaults = 2;

/// One cell of the results:
///   {"strategy", "point", "workload",
///    "counts": {"equal", "differences": [sentences], "predicted", "measured"},   the sender's
///    "receiver_calls": {"predicted", "measured"},                               where known
///    "cpu_ns", "elapsed_ns": {"predicted", "measured", "error_percent", "spread"},
///    "failures": [sentences]}                                                    of either side; then without counts
///    and times
report::Json cell_of(const report::Json& simulated, const report::Json& native);

/// The cells' statistics: {"cells", "failed", "counts_equal", "cpu_mape_percent", "cpu_worst_percent",
/// "cpu_worst_cell", "elapsed_mape_percent", "kendall_tau", "elapsed_kendall_tau", "unsteady_cells": [indices]}. Null
/// where nothing can be said. `counts_only` leaves the times out.
report::Json summarise_cells(const report::Json& cells, bool counts_only);

/// Per pair of strategies and per point of the other axes, where the one becomes cheaper in CPU time than the other:
/// [{"strategies": [a, b], "where": {axis: value}, "predicted_bytes": [...], "measured_bytes": [...]}], pairs without
/// any left out. Measured costs that do not differ by more than the spread decide nothing.
report::Json crossovers_of(const report::Json& cells);

/// A sentence for each thing that is out of tolerance.
report::Json breaches_of(const report::Json& summary, const scenario::Tolerance& tolerance);

}  // namespace sluice::tool
