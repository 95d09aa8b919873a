// SPDX-License-Identifier: Apache-2.0
// The table of `sluice native`: strategies as rows, with what this host took and how well it repeats.
#pragma once

#include <string>

#include "tools/report/run_text.h"

namespace sluice::report {

/// One table per point of the scenario's axes. `runs` are all of a host.
std::string native_comparison(const std::string& description, const Runs& runs);

}  // namespace sluice::report
