// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/block/block_config.h"

namespace sluice::block {

void BlockConfig::describe(base::ParameterTable& table) {
  table.add("submit_bio", submit_bio, "building and queueing one contiguous piece of I/O", "estimate");
  table.add("merge_bio", merge_bio, "merging a piece into a request", "estimate");
  table.add("start_request", start_request, "taking a tag, mapping for DMA and handing a request to the driver",
            "estimate");
  table.add("complete_request", complete_request, "finishing a request, in interrupt context", "estimate");
  table.add("max_request", max_request, {Bytes{4} << 10, Bytes{1} << 30}, "largest request that merging builds",
            "Linux BLK_DEF_MAX_SECTORS: 2560 sectors since commit d2be537c3ba3 (2015)");
}

}  // namespace sluice::block
