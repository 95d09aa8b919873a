// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/programs/program.h"

#include <algorithm>
#include <array>

namespace sluice::kernel_sim {

std::span<const ProgramInfo> programs() {
  static constexpr std::array kPrograms{
      ProgramInfo{"read_write", read_write, "read a chunk into a buffer, write it to the socket"},
      ProgramInfo{"mmap_write", mmap_write, "map the file, write chunks of the mapping to the socket"},
      ProgramInfo{"sendfile", sendfile, "sendfile, a chunk per call"},
      ProgramInfo{"splice", splice, "splice a chunk from the file into a pipe and from the pipe to the socket"},
  };
  return kPrograms;
}

const ProgramInfo* find_program(std::string_view name) {
  const auto all = programs();
  const auto found = std::find_if(all.begin(), all.end(), [&](const ProgramInfo& p) { return p.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace sluice::kernel_sim
