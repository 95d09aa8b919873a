// SPDX-License-Identifier: Apache-2.0
// How often each system call was made, and what a trace says about one.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "kernel_sim/system_calls.h"
#include "models/base/time.h"

namespace sluice::syscalls {

using kernel_sim::Call;
using kernel_sim::kCalls;

/// One finished call.
struct CallRecord {
  std::string_view task;
  std::int64_t pid;
  std::string_view name;
  std::string arguments;  ///< as strace prints them, without the parentheses
  std::int64_t result;    ///< >= 0, or -errno; 0 for exit, which does not return
  Picoseconds begin;
  Picoseconds duration;
};
using TraceSink = std::function<void(const CallRecord&)>;

struct CallCounts {
  std::array<std::uint64_t, kCalls> calls{};
  /// Changes between user and kernel mode made by calls: one in, one out.
  std::uint64_t mode_switches = 0;

  [[nodiscard]] std::map<std::string, std::uint64_t> by_name() const;
};

}  // namespace sluice::syscalls
