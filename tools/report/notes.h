// SPDX-License-Identifier: Apache-2.0
// Why a run differs from what the article says, derived from what was observed: moves, calls, workload, features.
#pragma once

#include <string>
#include <vector>

#include "tools/report/run_text.h"

namespace sluice::report {

/// One sentence per difference, without the strategy's name. None when the article says nothing of the strategy.
std::vector<std::string> notes(const RunResult& run);

/// The article's two senses of zero copy and what lies between them, of the sender's side:
/// - "none": the CPU copied payload out of the kernel to the user and from the user into the kernel;
/// - "broad": fewer copies than that, but some across the border of user and kernel;
/// - "narrow": no copy across that border, as operating systems have it;
/// - "full": no copy by the CPU at all.
/// Empty when no payload moved.
std::string zero_copy(const RunResult& run);

}  // namespace sluice::report
