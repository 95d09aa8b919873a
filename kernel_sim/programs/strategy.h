// SPDX-License-Identifier: Apache-2.0
// The strategies: programs together with the machine that they are named for. A new one is a file beside this with its
// program, and a row of the table; names, presets, claims, completion and tests follow.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel_sim/programs/program.h"

namespace sluice::kernel_sim {

/// What the article says of one round (file to socket, one chunk). Only ever shown beside what was observed; nothing in
/// the simulation looks at it.
struct Claim {
  unsigned calls;
  unsigned mode_switches;
  unsigned cpu_copies;
  unsigned dma_copies;
};

struct Strategy {
  std::string_view name;
  Program* run;
  std::optional<bool> gather;  ///< what nic.gather is set to; nothing: as the machine has it
  std::optional<Claim> claim;  ///< nothing: the article does not speak of it
  std::string_view summary;    ///< one line for people
};

std::span<const Strategy> strategies();
/// Null when there is none of that name.
const Strategy* find_strategy(std::string_view name);
std::vector<std::string> strategy_names();

}  // namespace sluice::kernel_sim
