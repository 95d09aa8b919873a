// SPDX-License-Identifier: Apache-2.0
// Runs of programs on this host as results: several times over, by turns.
#pragma once

#include <atomic>
#include <cstddef>
#include <span>
#include <vector>

#include "tools/crosscheck/native_runs.h"
#include "tools/native/program_run.h"

namespace sluice::crosscheck {

/// Whether the plan has processes of Lua programs instead of a workload.
inline bool runs_programs(const scenario::RunPlan& plan) { return plan.configuration.programs.any(); }

/// - Times are medians over the repetitions, samples those of all of them, everything else is of the first; a note in
///   `differs` names what was not the same in all.
/// - A plan whose first run failed is not repeated.
/// `done` counts the runs.
std::vector<results::RunResult> run_programs(std::span<const scenario::RunPlan> plans, native::ProgramFolder& folder,
                                             const NativeOptions& options, std::atomic<std::size_t>& done);

/// One result of the repetitions of a plan. `samples` is not empty.
results::RunResult result_of(const scenario::RunPlan& plan, const std::vector<native::ProgramSample>& samples,
                             unsigned warm_up);

}  // namespace sluice::crosscheck
