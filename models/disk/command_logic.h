// SPDX-License-Identifier: Apache-2.0
// What a command asks for and whether it is legal. No SystemC.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "models/base/types.h"
#include "models/disk/disk_registers.h"

namespace sluice::disk {

struct CommandLimits {
  std::uint64_t blocks;  ///< of the medium
  Bytes max_transfer;
  unsigned max_segments;
};

constexpr bool moves_data(const Command& command) {
  return command.opcode == static_cast<std::uint8_t>(Opcode::Read) ||
         command.opcode == static_cast<std::uint8_t>(Opcode::Write);
}
constexpr bool is_read(const Command& command) { return command.opcode == static_cast<std::uint8_t>(Opcode::Read); }
constexpr Bytes size_of(const Command& command) { return Bytes{command.block_count} * kBlockSize; }

/// Everything that can be said of a command before its scatter-gather list is known.
Status validate(const Command& command, const CommandLimits& limits);
/// Elements that are whole words at word addresses and add up to `size`.
Status validate_segments(std::span<const SgElement> segments, Bytes size);
/// Whether any two elements of both lists together share a byte.
bool overlap(std::span<const SgElement> segments, std::span<const SgElement> others);

/// The memory of one command as one run of bytes.
class SegmentList {
 public:
  void assign(std::span<const SgElement> segments);
  /// Calls `visit(bus address, size, position within the part)` for the elements of bytes [begin, begin + size), in
  /// order.
  template <class Visit>
  void for_each_part(Bytes begin, Bytes size, Visit&& visit) const {
    auto element = static_cast<std::size_t>(std::upper_bound(m_ends.begin(), m_ends.end(), begin) - m_ends.begin());
    for (Bytes done = 0; done < size; ++element) {
      const SgElement& segment = m_segments[element];
      const Bytes skipped = begin + done - (m_ends[element] - segment.size);
      const Bytes n = std::min(size - done, segment.size - skipped);
      visit(BusAddr{segment.address + skipped}, n, done);
      done += n;
    }
  }

 private:
  std::vector<SgElement> m_segments;
  std::vector<Bytes> m_ends;  // of each element, from the start of the command
};

}  // namespace sluice::disk
