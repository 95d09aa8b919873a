// SPDX-License-Identifier: Apache-2.0
#include "models/memory/memory_config.h"

#include "models/fabric/memory_map.h"

namespace sluice::memory {

void MemoryConfig::describe(base::ParameterTable& table) {
  table.add("size", size, {1_MiB, fabric::kMaxMemory}, "physical memory, from address 0", "estimate");
  table.add("bandwidth", bandwidth, {ByteRate{1'000'000}, ByteRate{10'000'000'000'000}},
            "peak of all channels together: channels x transfers per second x 8 bytes",
            "JEDEC DDR4-2933, 6 channels x 23.47 GB/s");
  table.add("efficiency", efficiency, {Fraction{10'000}, Fraction{1'000'000}},
            "share of the peak that mixed sequential streams sustain (refresh, bus turn-around, row misses)",
            "estimate");
  table.add("latency", latency, {0_ps, 10_us},
            "from the request to the data when the memory is idle, beyond the caches", "estimate");
  table.add("write_buffer", write_buffer, {0, 16_MiB}, "writes that the controller holds before a writer has to wait",
            "64 bursts of 64 bytes per channel as in gem5's MemInterface, 6 channels");
}

}  // namespace sluice::memory
