// SPDX-License-Identifier: Apache-2.0
// Costs and limits of the block layer.
#pragma once

#include "models/base/parameters.h"

namespace sluice::block {

struct BlockConfig : base::Parameters {
  CpuCost submit_bio = parameter(submit_bio, "submit_bio", CpuCost::time(150_ns),
                                 "building and queueing one contiguous piece of I/O", "estimate");
  CpuCost merge_bio =
      parameter(merge_bio, "merge_bio", CpuCost::time(40_ns), "merging a piece into a request", "estimate");
  CpuCost start_request = parameter(start_request, "start_request", CpuCost::time(300_ns),
                                    "taking a tag, mapping for DMA and handing a request to the driver", "estimate");
  CpuCost complete_request = parameter(complete_request, "complete_request", CpuCost::time(250_ns),
                                       "finishing a request, in interrupt context", "estimate");
  Bytes max_request =
      parameter(max_request, "max_request", 1280_KiB, {4_KiB, 1_GiB}, "largest request that merging builds",
                "Linux BLK_DEF_MAX_SECTORS: 2560 sectors since commit d2be537c3ba3 (2015)");
};

}  // namespace sluice::block
