// SPDX-License-Identifier: Apache-2.0
// Parameters of the machine's DRAM as one shared resource: size, bandwidth, latency.
#pragma once

#include "models/base/parameters.h"

namespace sluice::memory {

/// Default: 6 channels of DDR4-2933 (one socket of a 2019 Xeon).
struct MemoryConfig {
  Bytes size = 4_GiB;
  ByteRate bandwidth{140'800'000'000};
  Fraction efficiency{800'000};
  Picoseconds latency = 75_ns;
  Bytes write_buffer = 24_KiB;

  void describe(base::ParameterTable& table);
  /// What the channels sustain: bandwidth x efficiency.
  [[nodiscard]] ByteRate sustained() const { return ByteRate{efficiency.of(bandwidth.value())}; }
};

}  // namespace sluice::memory
