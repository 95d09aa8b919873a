// SPDX-License-Identifier: Apache-2.0
// What was observed of a run, as its result; and what of it must not be.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/results/run_result.h"
#include "tools/scenario/run_plan.h"
#include "tools/simulate/marks.h"
#include "tools/simulate/receiver.h"

namespace sluice::simulate {

inline std::int64_t nanoseconds(Picoseconds t) { return t.count() / 1000; }

/// Everything about a run that has ended, as far as it can be read after the end.
struct Observation {
  const scenario::RunPlan& plan;
  const platform::Machine& machine;
  const Marks& marks;
  Receiver& receiver;
  Bytes payload;
};

/// How a program of the run ended.
struct Ending {
  std::string who;
  std::optional<int> status;  ///< in wait's encoding; nothing: it has not ended
  std::string failure;        ///< what it said itself
};

/// Everything that was observed; of a run without all of its marks only what was delivered.
void add_observed(results::RunResult& result, const Observation& observation);

/// Sentences for whatever makes the run a failed one: bytes differ, conservation is broken, a bound was passed, tasks
/// are blocked for ever, a program ended with an error. Takes the kernel down to look for leaks.
std::vector<std::string> failures_of(const results::RunResult& result, const Observation& observation,
                                     const std::vector<Ending>& endings, kernel_sim::Kernel& kernel);

}  // namespace sluice::simulate
