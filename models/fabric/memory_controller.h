// SPDX-License-Identifier: Apache-2.0
// The door from the caches to the DRAM: time only. The bytes are in PhysicalMemory.
#pragma once

#include "models/base/time.h"
#include "models/base/types.h"

namespace sluice::fabric {

/// - Called with the caller's own time, which may be ahead of SystemC time and need not grow from call to call.
/// - Reserves the bandwidth for both directions and returns the instant at which the caller may go on: all data of
///   `read` arrived, and the controller has taken all of `written`. Never before `now`.
class MemoryController {
 public:
  virtual ~MemoryController() = default;
  virtual Picoseconds access(Picoseconds now, Bytes read, Bytes written) = 0;
};

}  // namespace sluice::fabric
