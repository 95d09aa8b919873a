// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/programs/strategy.h"

#include <algorithm>
#include <array>

namespace sluice::kernel_sim {

// Each is the text of the file of its name.
Program read_write, mmap_write, sendfile, splice, direct_io, msg_zerocopy;

std::span<const Strategy> strategies() {
  // name, program, gather, claim {calls, mode switches, CPU copies, DMA copies}
  static constexpr std::array kStrategies{
      Strategy{"read_write", read_write, {}, Claim{2, 4, 2, 2}, "read(file, buffer); write(socket, buffer)"},
      Strategy{"mmap_write", mmap_write, {}, Claim{2, 4, 1, 2}, "buffer = mmap(file); write(socket, buffer)"},
      Strategy{"sendfile", sendfile, false, Claim{1, 2, 1, 2}, "sendfile(socket, file) with a NIC that cannot gather"},
      Strategy{"sendfile_gather", sendfile, true, Claim{1, 2, 0, 2}, "sendfile(socket, file) with a NIC that gathers"},
      Strategy{"splice", splice, {}, Claim{1, 2, 0, 2}, "splice(file, pipe); splice(pipe, socket)"},
      Strategy{"direct_io", direct_io, {}, {}, "read(file, buffer) with O_DIRECT; write(socket, buffer)"},
      Strategy{"msg_zerocopy", msg_zerocopy, {}, {}, "read(file, buffer); send(socket, buffer, MSG_ZEROCOPY)"},
  };
  return kStrategies;
}

const Strategy* find_strategy(std::string_view name) {
  const auto all = strategies();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Strategy& s) { return s.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::vector<std::string> strategy_names() {
  std::vector<std::string> names;
  for (const Strategy& strategy : strategies()) names.emplace_back(strategy.name);
  return names;
}

}  // namespace sluice::kernel_sim
