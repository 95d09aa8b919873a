// SPDX-License-Identifier: Apache-2.0
#include "models/disk/disk_config.h"

#include <algorithm>

namespace sluice::disk {
namespace {

/// Dies that work on `at_once` bytes each for `latency`, and channels; rounded up, so that it can serve as a bound.
ByteRate of_dies_and_channels(const SsdConfig& ssd, Bytes at_once, Picoseconds latency) {
  const auto time = WideUnsigned(std::max(latency, 1_ps).count());
  const WideUnsigned bytes = WideUnsigned{ssd.channels} * ssd.dies_per_channel * at_once;
  const WideUnsigned dies = (bytes * kPicosecondsPerSecond + time - 1) / time;
  return ByteRate{static_cast<std::uint64_t>(std::min(dies, WideUnsigned{ssd.channels} * ssd.channel_rate.value()))};
}

}  // namespace

ByteRate SsdConfig::sustained_read() const {
  return std::min(read_rate, of_dies_and_channels(*this, page_size, read_latency));
}

ByteRate SsdConfig::sustained_write() const {
  return std::min(write_rate, of_dies_and_channels(*this, page_size * planes, program_latency));
}

}  // namespace sluice::disk
