// SPDX-License-Identifier: Apache-2.0
// What the article says about one round of each strategy (file to socket, one chunk). Only ever shown beside what was
// observed; nothing in the simulation knows it.
#pragma once

#include <string>

namespace sluice::report {

struct Claim {
  const char* strategy;
  unsigned mode_switches;
  unsigned cpu_copies;
  unsigned dma_copies;
};

/// Null for a strategy that the article does not describe.
const Claim* claim_for(const std::string& strategy);

}  // namespace sluice::report
