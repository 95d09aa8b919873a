// SPDX-License-Identifier: Apache-2.0
// Runs field cases on both kernels and compares what they say.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/field_cases/field_case.h"

namespace sluice::field_cases {

/// Of a case, in the order of its answers.
struct Comparison {
  struct Line {
    std::string host;
    std::string simulated;
    bool same;
  };
  std::vector<Line> lines;
  [[nodiscard]] bool agrees() const;
};

/// Answers line by line; the last line says how the program ended.
Comparison compare(std::string_view host, std::string_view simulated);

/// Runs the case on Linux and on the simulated kernel, each in a process of its own. A case that differs runs on Linux
/// up to three times, for times on a busy machine are not always those of an idle one.
/// Nothing: this host cannot give what the case needs (Disk::Small).
std::optional<Comparison> run(const FieldCase& field_case);

/// On the simulated kernel, in this process: for a debugger.
std::string run_simulated_here(const FieldCase& field_case);

}  // namespace sluice::field_cases
