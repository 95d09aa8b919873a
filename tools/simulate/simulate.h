// SPDX-License-Identifier: Apache-2.0
// One run, from the machine's elaboration to its result. Called once per process, in a child of the command line.
#pragma once

#include <nlohmann/json.hpp>

#include "tools/scenario/run_plan.h"

namespace sluice::tool {

using scenario::RunPlan;

/// One entry of "runs" in the results, in the order that it is written.
/// - Filled here: everything from "payload_bytes" on but "expectations". The caller puts "strategy", "kernel",
///   "settings" and "point" before and adds "expectations".
/// - "failures": sentences for whatever makes the run a failed one (bytes differ, conservation broken, a bound passed,
///   tasks blocked for ever, a program that ended with an error). Empty when all is well.
/// - "strace", when asked for: [{"task", "call", "arguments", "result", "at_ns", "took_ns"}], arguments as text, result
///   as Linux returns it (>= 0 or -errno), in the order of return.
using RunResult = nlohmann::ordered_json;

/// The delivered bytes go to plan.received when that is set. Throws InputError (bad input found late) or SimulatorBug.
RunResult simulate(const RunPlan& plan);

}  // namespace sluice::tool
