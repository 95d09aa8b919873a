// SPDX-License-Identifier: Apache-2.0
// A cross-check as tables: predicted beside measured, cell by cell, and what they come to.
#pragma once

#include <string>

#include "tools/results/crosscheck_result.h"

namespace sluice::report {

/// "splice, chunks of 4 KiB, 16 MiB", or of programs "copy, arguments.way=splice".
std::string cell_name(const results::Cell& cell);

/// `crosscheck` as `sluice crosscheck --json` writes it.
std::string crosscheck_table(const results::CrosscheckResult& crosscheck);

}  // namespace sluice::report
