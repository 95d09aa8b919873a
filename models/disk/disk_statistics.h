// SPDX-License-Identifier: Apache-2.0
// What a disk controller counts.
#pragma once

#include <cstdint>

#include "models/base/types.h"

namespace sluice::disk {

struct DiskStatistics {
  std::uint64_t reads = 0;  ///< commands completed, by kind; failed ones too
  std::uint64_t writes = 0;
  std::uint64_t flushes = 0;
  std::uint64_t failed = 0;       ///< completed with a status other than success
  Bytes bytes_read = 0;           ///< medium to memory
  Bytes bytes_written = 0;        ///< memory to medium
  std::uint64_t descriptors = 0;  ///< commands and scatter-gather elements read from memory
  std::uint64_t interrupts = 0;   ///< messages sent
  std::uint64_t resets = 0;
  std::uint64_t ignored_doorbells = 0;  ///< beyond the ring, over fetched entries, or while not ready
  unsigned most_active = 0;             ///< largest number of commands worked on at once
};

}  // namespace sluice::disk
