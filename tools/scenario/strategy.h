// SPDX-License-Identifier: Apache-2.0
// A strategy is a program together with the machine features that it is named for.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sluice::scenario {

struct Strategy {
  std::string name;
  std::string program;         ///< in kernel_sim/programs
  std::optional<bool> gather;  ///< what nic.gather is set to; nothing: as the machine has it
  std::string what;            ///< one line for people
};

const std::vector<Strategy>& strategies();
/// Null when there is none of that name.
const Strategy* find_strategy(const std::string& name);
std::vector<std::string> strategy_names();

}  // namespace sluice::scenario
