// SPDX-License-Identifier: Apache-2.0
// The machine's physical address map, one file. Memory starts at 0; device registers and MSI lie above all of it.
#pragma once

#include <cstdint>
#include <optional>

#include "models/base/types.h"

namespace sluice::fabric {

inline constexpr Bytes kMaxMemory = Bytes{1} << 40;           ///< 1 TiB
inline constexpr std::uint64_t kMmioBase = 0xF000'0000'0000;  ///< first device window
inline constexpr Bytes kMmioWindow = Bytes{1} << 20;          ///< 1 MiB of registers per device
inline constexpr std::uint64_t kMsiBase = 0xFEE0'0000'0000;   ///< writes of 4 bytes here are interrupts
inline constexpr Bytes kMsiSize = Bytes{1} << 16;             ///< vector = (address - base) / 16, data = vector

/// Devices have windows 0, 1, ... in the order in which firmware finds them.
constexpr PhysAddr register_window(unsigned window) {
  return PhysAddr{kMmioBase + std::uint64_t{window} * kMmioWindow};
}
/// The window in which an address lies; none below them all.
constexpr std::optional<unsigned> window_of(PhysAddr at) {
  if (at.value() < kMmioBase) return std::nullopt;
  return static_cast<unsigned>((at.value() - kMmioBase) / kMmioWindow);
}
constexpr BusAddr msi_address(unsigned vector) { return BusAddr{kMsiBase + std::uint64_t{vector} * 16}; }

inline constexpr unsigned kTimerVector = 0;        ///< of the cores' own timers
inline constexpr unsigned kFirstDeviceVector = 1;  ///< firmware gives devices their vectors from here on
inline constexpr unsigned kVectors = 64;

}  // namespace sluice::fabric
