// SPDX-License-Identifier: Apache-2.0
// Which bytes of a file reached the peer, and how new each byte has to be.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "models/base/types.h"

namespace sluice::base {

/// Byte ranges with a number each; a range never set counts as 0. Neighbours with the same number are one range.
class RangeMap {
 public:
  struct Part {
    std::uint64_t begin;
    std::uint64_t end;
    std::uint32_t value;
    bool operator==(const Part&) const = default;
  };

  /// The parts of [begin, end), in order, without gaps.
  [[nodiscard]] std::vector<Part> parts(std::uint64_t begin, std::uint64_t end) const;
  /// Gives [begin, end), not empty, the number `value`.
  void set(std::uint64_t begin, std::uint64_t end, std::uint32_t value);
  [[nodiscard]] bool empty() const { return m_ranges.empty(); }

 private:
  struct Range {
    std::uint64_t end;
    std::uint32_t value;
  };
  void split(std::uint64_t at);
  std::map<std::uint64_t, Range> m_ranges;  // by begin; disjoint
};

/// Deliveries of one file.
class FileDelivery {
 public:
  struct Outcome {
    Bytes fresh = 0;  ///< bytes that had not come as often as they are to come
    Bytes again = 0;  ///< bytes that had
    Bytes stale = 0;  ///< bytes older than what the file is known to hold
  };

  /// Bytes [offset, offset + size) exist in this generation.
  void known(std::uint64_t offset, Bytes size, std::uint32_t generation);
  /// `times`: how often each byte is to come.
  Outcome deliver(std::uint64_t offset, Bytes size, std::uint32_t generation, std::uint32_t times = 1);

 private:
  RangeMap m_newest;
  RangeMap m_delivered;  // how often
};

}  // namespace sluice::base
