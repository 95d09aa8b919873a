// SPDX-License-Identifier: Apache-2.0
// Which cores may hold lines of a page: a snoop filter. A set bit may be stale, a clear bit never is, so that a core
// whose bit is clear need not be asked.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "models/base/types.h"

namespace sluice::cache {

using CoreSet = std::uint64_t;  ///< bit i = core i
inline constexpr unsigned kMostCores = 64;

class PresenceMap {
 public:
  /// The cores that may hold lines of the frame; storage appears with first use.
  CoreSet& cores(Frame frame) {
    const std::size_t block = frame.number() / kBlock;
    if (block >= m_blocks.size()) m_blocks.resize(block + 1);
    if (m_blocks[block] == nullptr) m_blocks[block] = std::make_unique<Block>();
    return (*m_blocks[block])[frame.number() % kBlock];
  }
  void clear() { m_blocks.clear(); }

 private:
  static constexpr std::size_t kBlock = 4096;
  using Block = std::array<CoreSet, kBlock>;
  std::vector<std::unique_ptr<Block>> m_blocks;
};

}  // namespace sluice::cache
