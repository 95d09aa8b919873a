// SPDX-License-Identifier: Apache-2.0
// The machine's physical address map, one file. Memory starts at 0; device registers and MSI lie above all of it.
#pragma once

#include "models/base/types.h"

namespace sluice::fabric {

inline constexpr Bytes kMaxMemory = Bytes{1} << 40;           ///< 1 TiB
inline constexpr std::uint64_t kMmioBase = 0xF000'0000'0000;  ///< first device window
inline constexpr Bytes kMmioWindow = Bytes{1} << 20;          ///< 1 MiB of registers per device
inline constexpr std::uint64_t kMsiBase = 0xFEE0'0000'0000;   ///< writes of 4 bytes here are interrupts
inline constexpr Bytes kMsiSize = Bytes{1} << 16;             ///< vector = (address - base) / 16, data = vector

/// Slots on the root complex, in the order of their register windows.
enum class DeviceSlot : unsigned { Disk = 0, Nic = 1, Dma = 2 };
constexpr PhysAddr register_window(DeviceSlot slot) {
  return PhysAddr{kMmioBase + static_cast<std::uint64_t>(slot) * kMmioWindow};
}
constexpr BusAddr msi_address(unsigned vector) { return BusAddr{kMsiBase + std::uint64_t{vector} * 16}; }

/// Interrupt vectors handed out to devices at boot.
enum class Vector : unsigned { Timer = 0, Disk = 1, NicTx = 2, NicRx = 3 };
inline constexpr unsigned kVectors = 64;

}  // namespace sluice::fabric
