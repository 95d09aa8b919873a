// SPDX-License-Identifier: Apache-2.0
// Costs and limits of the block layer.
#pragma once

#include "models/base/parameters.h"

namespace sluice::block {

struct BlockConfig {
  CpuCost submit_bio = CpuCost::time(150_ns);        ///< building and queueing one contiguous piece
  CpuCost merge_bio = CpuCost::time(40_ns);          ///< appending a piece to a request
  CpuCost start_request = CpuCost::time(300_ns);     ///< tag, DMA mapping, hand-over to the driver
  CpuCost complete_request = CpuCost::time(250_ns);  ///< in interrupt context
  Bytes max_request = Bytes{1280} << 10;             ///< soft limit of one request, besides the device's own
  void describe(base::ParameterTable& table);
};

}  // namespace sluice::block
