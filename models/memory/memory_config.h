// SPDX-License-Identifier: Apache-2.0
// Parameters of the machine's DRAM as one shared resource: size, bandwidth, latency.
#pragma once

#include "models/base/parameters.h"
#include "models/fabric/memory_map.h"

namespace sluice::memory {

/// What a kernel needs beside files and a program's buffer: its own, page tables, rings, socket buffers.
inline constexpr Bytes kLeastMemory = 48_MiB;

/// Default: 6 channels of DDR4-2933 (one socket of a 2019 Xeon).
struct MemoryConfig : base::Parameters {
  Bytes size = parameter(size, "size", 4_GiB, {kLeastMemory, fabric::kMaxMemory},
                         "physical memory, from address 0; beside what a kernel needs (48 MiB) it holds two chunks and "
                         "the files that are warm",
                         "estimate");
  ByteRate bandwidth = parameter(bandwidth, "bandwidth", 140'800_MBps, {1_MBps, 10'000_GBps},
                                 "peak of all channels together: channels x transfers per second x 8 bytes",
                                 "JEDEC DDR4-2933, 6 channels x 23.47 GB/s");
  Fraction efficiency = parameter(
      efficiency, "efficiency", Fraction{800'000}, {Fraction{10'000}, Fraction{1'000'000}},
      "share of the peak that mixed sequential streams sustain (refresh, bus turn-around, row misses)", "estimate");
  Picoseconds latency =
      parameter(latency, "latency", 75_ns, {0_ps, 10_us},
                "from the request to the data when the memory is idle, beyond the caches", "estimate");
  Bytes write_buffer = parameter(write_buffer, "write_buffer", 24_KiB, {0, 16_MiB},
                                 "writes that the controller holds before a writer has to wait",
                                 "64 bursts of 64 bytes per channel as in gem5's MemInterface, 6 channels");

  /// What the channels sustain: bandwidth x efficiency.
  [[nodiscard]] ByteRate sustained() const { return ByteRate{efficiency.of(bandwidth.value())}; }
};

}  // namespace sluice::memory
