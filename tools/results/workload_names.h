// SPDX-License-Identifier: Apache-2.0
// The words for what a workload may choose: results are written in them, and scenarios are read in them.
#pragma once

#include <initializer_list>

namespace sluice::results {

/// In the order of scenario::PageCache and scenario::Regime.
inline constexpr std::initializer_list<const char*> kPageCacheNames{"cold", "warm", "hot"};
inline constexpr std::initializer_list<const char*> kRegimeNames{"default", "controlled"};

// Numbers of a workload that results repeat under the names of the parameters.
inline constexpr const char* kConnections = "connections";
inline constexpr const char* kWorkers = "workers";
inline constexpr const char* kRepeat = "repeat";

}  // namespace sluice::results
