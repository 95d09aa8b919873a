// SPDX-License-Identifier: Apache-2.0
// 64 small counters, one per line position, kept as bit planes: plane p holds bit p of all counters. Adding 1 to any
// subset of them is a ripple-carry over the planes.
#pragma once

#include <array>

#include "models/cache/line_mask.h"

namespace sluice::cache {

class ColumnCounters {
 public:
  void add(LineMask columns) {
    for (std::size_t p = 0; columns != 0; ++p) {
      const LineMask carry = m_planes[p] & columns;
      m_planes[p] ^= columns;
      columns = carry;
    }
  }
  void subtract(LineMask columns) {
    for (std::size_t p = 0; columns != 0; ++p) {
      const LineMask borrow = ~m_planes[p] & columns;
      m_planes[p] ^= columns;
      columns = borrow;
    }
  }
  /// Columns whose counter is `value`.
  [[nodiscard]] LineMask equal_to(unsigned value) const {
    LineMask equal = kWholePage;
    for (std::size_t p = 0; p < kPlanes; ++p) {
      const LineMask wanted = LineMask{0} - ((value >> p) & 1U);
      equal &= ~(m_planes[p] ^ wanted);
    }
    return equal;
  }

 private:
  static constexpr std::size_t kPlanes = 6;  // counters to 63; the most ways are 32
  std::array<LineMask, kPlanes> m_planes{};
};

}  // namespace sluice::cache
