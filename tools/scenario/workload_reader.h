// SPDX-License-Identifier: Apache-2.0
// The part `workload` of a scenario file.
#pragma once

#include <optional>
#include <string>

#include "tools/scenario/configuration.h"

namespace sluice::scenario {

/// Sets the configuration's workload; InputError names the place of what is wrong. A path is one beside `file`.
/// Returns where `workers` stands, if it does.
std::optional<Position> read_workload(const Node& node, const std::string& file, Configuration& configuration);

/// Throws an InputError at `at` when there are more workers than connections.
void check_workers(const Workload& workload, const Position& at);

/// Makes the workload one file of this host, which must be a regular one that can be read; else an InputError at `at`.
void use_host_file(Workload& workload, const std::string& path, const Position& at);

}  // namespace sluice::scenario
