// SPDX-License-Identifier: Apache-2.0
// A cross-check as tables: predicted beside measured, cell by cell, and what they come to.
#pragma once

#include <string>

#include "tools/results/json.h"

namespace sluice::report {

/// `crosscheck` as `sluice crosscheck --json` writes it.
std::string crosscheck_table(const Json& crosscheck);

}  // namespace sluice::report
