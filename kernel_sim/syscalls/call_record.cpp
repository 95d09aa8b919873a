// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/syscalls/call_record.h"

namespace sluice::syscalls {

std::map<std::string, std::uint64_t> CallCounts::by_name() const {
  std::map<std::string, std::uint64_t> found;
  for (std::size_t i = 0; i < kCalls; ++i) {
    if (calls[i] > 0) found.emplace(kernel_sim::kCallNames[i], calls[i]);
  }
  return found;
}

}  // namespace sluice::syscalls
