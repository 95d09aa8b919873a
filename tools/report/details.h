// SPDX-License-Identifier: Apache-2.0
// Everything about one run, for `sluice run`. What there is to say follows from the description of a result.
#pragma once

#include <string>

#include "tools/report/run_text.h"

namespace sluice::report {

std::string details(const RunResult& run);

}  // namespace sluice::report
