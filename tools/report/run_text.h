// SPDX-License-Identifier: Apache-2.0
// Phrases about one run that several reports share.
#pragma once

#include <string>
#include <vector>

#include "tools/results/run_result.h"

namespace sluice::report {

using results::RunResult;
using Runs = std::vector<RunResult>;

/// The "a, b, c" of several phrases.
std::string joined(const std::vector<std::string>& phrases, const char* between = ", ");
/// "nic.rate = 25 Gbps, workload.chunk = 4 KiB"; empty without axes.
std::string point_text(const std::optional<results::Named<std::string>>& point);
/// ", 8 connections of 2 workers, 3 times"; empty for one connection that sends once.
std::string connections_text(const results::WorkloadInfo& workload);
/// "64 KiB file, chunks of 64 KiB, page cache cold".
std::string workload_text(const RunResult& run);
/// "read x 4, write x 4".
std::string calls_text(const RunResult& run);
/// "dma_descriptors" as "DMA descriptors".
std::string as_words(const std::string& key);
/// Failures and expectations that do not hold, a line each; empty when all is well.
std::string complaints(const RunResult& run);

/// The runs of each point of the scenario's axes, in their order.
std::vector<Runs> by_point(const Runs& runs);

}  // namespace sluice::report
