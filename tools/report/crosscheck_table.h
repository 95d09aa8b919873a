// SPDX-License-Identifier: Apache-2.0
// A cross-check as tables: predicted beside measured, cell by cell, and what they come to.
#pragma once

#include <string>

#include "tools/results/crosscheck_result.h"

namespace sluice::report {

/// `crosscheck` as `sluice crosscheck --json` writes it.
std::string crosscheck_table(const results::CrosscheckResult& crosscheck);

}  // namespace sluice::report
