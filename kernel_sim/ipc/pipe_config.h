// SPDX-License-Identifier: Apache-2.0
// Limits and costs of pipes.
#pragma once

#include "models/base/parameters.h"

namespace sluice::ipc {

struct PipeConfig {
  unsigned slots = 16;                         ///< of a new pipe (PIPE_DEF_BUFFERS)
  unsigned slots_over_user_limit = 2;          ///< of a new pipe of a user with too many pages (PIPE_MIN_DEF_BUFFERS)
  Bytes largest_size = Bytes{1} << 20;         ///< pipe_max_size, without CAP_SYS_RESOURCE
  unsigned user_pages_soft_limit = 16 * 1024;  ///< pipe_user_pages_soft
  CpuCost call = CpuCost::time(40_ns);         ///< lock, look at both ends, wake-up test
  CpuCost slot = CpuCost::time(15_ns);         ///< per pipe buffer filled, shared or released
  void describe(base::ParameterTable& table);
};

}  // namespace sluice::ipc
