// SPDX-License-Identifier: Apache-2.0
// The machines behind the rows of a table, as far as their abilities explain the counts. A table is about one machine;
// a row that ran on another says so in its name.
#pragma once

#include <string>

#include "tools/report/run_text.h"

namespace sluice::report {

/// What most of the rows have; the first of them where none is in the majority.
results::Named<std::string> common_features(const Runs& rows);
/// "the NIC gathers"; empty over loopback.
std::string machine_text(const results::Named<std::string>& features);
/// The strategy, and in brackets what its machine has otherwise: "sendfile (no gather)".
std::string row_name(const RunResult& run, const results::Named<std::string>& common);
/// What a row's machine has otherwise, as a sentence; empty when it is the table's.
std::string machine_note(const RunResult& run, const results::Named<std::string>& common);

}  // namespace sluice::report
