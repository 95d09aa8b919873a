// SPDX-License-Identifier: Apache-2.0
// x86-64 page tables with 4 levels (Intel SDM vol. 3A, 4.5): the format, shared by the walker and by the kernel that
// writes the tables. No SystemC.
//
//   linear address   47      39 38      30 29      21 20      12 11       0
//                    [ PML4   ][ PDPT    ][ PD      ][ PT      ][ offset  ]
//   entry   63 NX | 51..12 frame | 7 PS (in PD: a 2 MiB page) | 6 D | 5 A | 2 U/S | 1 R/W | 0 P
#pragma once

#include <cstdint>

#include "models/base/types.h"

namespace sluice::mmu {

inline constexpr unsigned kLevels = 4;  ///< level 3 = PML4 ... level 0 = PT
inline constexpr unsigned kEntriesPerTable = 512;
inline constexpr unsigned kLargePageLevel = 1;                     ///< an entry of a PD may map 2 MiB
inline constexpr std::uint64_t kUserEnd = std::uint64_t{1} << 47;  ///< first address beyond user space (128 TiB)
inline constexpr std::uint64_t kKernelBegin = ~(kUserEnd - 1);     ///< 0xFFFF800000000000

namespace pte {
inline constexpr std::uint64_t kPresent = 1ULL << 0;
inline constexpr std::uint64_t kWritable = 1ULL << 1;
inline constexpr std::uint64_t kUser = 1ULL << 2;
inline constexpr std::uint64_t kAccessed = 1ULL << 5;
inline constexpr std::uint64_t kDirty = 1ULL << 6;
inline constexpr std::uint64_t kLargePage = 1ULL << 7;
inline constexpr std::uint64_t kNoExecute = 1ULL << 63;
inline constexpr std::uint64_t kFrameMask = 0x000F'FFFF'FFFF'F000ULL;
}  // namespace pte

constexpr unsigned table_index(VirtAddr address, unsigned level) {
  return static_cast<unsigned>(address.value() >> (kPageShift + 9 * level)) & (kEntriesPerTable - 1);
}
constexpr PhysAddr entry_address(PhysAddr table, VirtAddr address, unsigned level) {
  return table + table_index(address, level) * sizeof(std::uint64_t);
}
constexpr PhysAddr entry_target(std::uint64_t entry) { return PhysAddr{entry & pte::kFrameMask}; }
/// Bits 63..47 all equal.
constexpr bool is_canonical(VirtAddr address) { return address.value() < kUserEnd || address.value() >= kKernelBegin; }

}  // namespace sluice::mmu
