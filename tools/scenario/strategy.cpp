// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/strategy.h"

namespace sluice::scenario {

const std::vector<Strategy>& strategies() {
  static const std::vector<Strategy> all{
      {"read_write", "read_write", {}, "read(file, buffer); write(socket, buffer)"},
      {"mmap_write", "mmap_write", {}, "buffer = mmap(file); write(socket, buffer)"},
      {"sendfile", "sendfile", false, "sendfile(socket, file) with a NIC that cannot gather"},
      {"sendfile_gather", "sendfile", true, "sendfile(socket, file) with a NIC that gathers"},
      {"splice", "splice", {}, "splice(file, pipe); splice(pipe, socket)"},
  };
  return all;
}

const Strategy* find_strategy(const std::string& name) {
  for (const Strategy& strategy : strategies()) {
    if (strategy.name == name) return &strategy;
  }
  return nullptr;
}

std::vector<std::string> strategy_names() {
  std::vector<std::string> names;
  for (const Strategy& strategy : strategies()) names.push_back(strategy.name);
  return names;
}

}  // namespace sluice::scenario
