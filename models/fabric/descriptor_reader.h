// SPDX-License-Identifier: Apache-2.0
// Fetches descriptors of a ring in memory by DMA, in runs: one read takes entries that lie in a row.
#pragma once

#include <span>
#include <vector>

#include "models/fabric/dma.h"
#include "models/fabric/ring_logic.h"

namespace sluice::fabric {

template <class Descriptor>
class DescriptorReader {
 public:
  struct Run {
    std::span<const Descriptor> descriptors;  ///< valid until the next read; empty when nothing was posted
    Picoseconds ready;                        ///< when the device has them
    bool ok = true;                           ///< false: the ring does not answer to DMA, and nothing was fetched
  };

  /// Reads the next run of the ring at `base`, at most `most` descriptors, and counts it as fetched. Never waits.
  Run read(DmaPort& dma, DescriptorRing& ring, BusAddr base, std::uint32_t most) {
    const Picoseconds now = to_picoseconds(sc_core::sc_time_stamp());
    const std::uint32_t count = ring.next_run(most);
    m_run.resize(count);
    if (count == 0) return {{}, now, true};
    const auto read =
        dma.read(base + ring.fetch_index() * sizeof(Descriptor), std::as_writable_bytes(std::span{m_run}), now);
    if (!read.ok()) return {{}, now, false};
    ring.fetched(count);
    return {m_run, read.done, true};
  }

 private:
  std::vector<Descriptor> m_run;
};

}  // namespace sluice::fabric
