// SPDX-License-Identifier: Apache-2.0
// A device as the platform sees it, whatever its kind: where to plug it in, and what it has done.
#pragma once

#include <cstdint>

#include "models/base/time.h"
#include "models/fabric/dma.h"
#include "models/fabric/register_bank.h"

namespace sluice::fabric {

class Device {
 public:
  virtual ~Device() = default;
  virtual RegisterBank& register_bank() = 0;
  virtual DmaPort& dma_port() = 0;
  /// Descriptors read from memory so far.
  [[nodiscard]] virtual std::uint64_t descriptors() const = 0;
  /// Busy time, up to `now`, of what lies behind the device: a medium, a wire.
  [[nodiscard]] virtual Picoseconds far_end_busy(Picoseconds now) const = 0;
};

}  // namespace sluice::fabric
