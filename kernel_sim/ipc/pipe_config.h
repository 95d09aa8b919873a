// SPDX-License-Identifier: Apache-2.0
// Limits and costs of pipes.
#pragma once

#include "models/base/parameters.h"

namespace sluice::ipc {

struct PipeConfig : base::Parameters {
  unsigned slots = parameter(slots, "slots", 16, {1, 1024}, "page slots of a new pipe", "Linux PIPE_DEF_BUFFERS");
  unsigned slots_over_user_limit =
      parameter(slots_over_user_limit, "slots_over_user_limit", 2, {1, 16},
                "page slots of a new pipe once the user has too many", "Linux PIPE_MIN_DEF_BUFFERS");
  Bytes largest_size = parameter(largest_size, "largest_size", 1_MiB, {kPageSize, 2_GiB}, "what F_SETPIPE_SZ allows",
                                 "Linux fs.pipe-max-size");
  unsigned user_pages_soft_limit = parameter(user_pages_soft_limit, "user_pages_soft_limit", 16 * 1024, {1, 1U << 24},
                                             "page slots of all pipes of a user", "Linux fs.pipe-user-pages-soft");
  CpuCost call = parameter(call, "call", CpuCost::time(40_ns),
                           "one read, write or splice on a pipe: lock, look at both ends", "estimate");
  CpuCost slot = parameter(slot, "slot", CpuCost::time(15_ns), "one page slot filled, shared or released", "estimate");
};

}  // namespace sluice::ipc
