// SPDX-License-Identifier: Apache-2.0
// Splits an address range where it crosses multiples of a boundary (page ends, 4 GiB, maximum payload size).
#pragma once

#include <algorithm>

#include "models/base/types.h"

namespace sluice::fabric {

/// Calls `visit(address, size)` for each piece of [address, address + size), in order, none crossing a multiple of
/// `boundary` (a power of two is not required).
template <class Addr, class Visit>
void for_each_chunk(Addr address, Bytes size, Bytes boundary, Visit&& visit) {
  while (size > 0) {
    const Bytes piece = std::min(size, boundary - address.value() % boundary);
    visit(address, piece);
    address += piece;
    size -= piece;
  }
}

/// As above, by pages.
template <class Addr, class Visit>
void for_each_page_piece(Addr address, Bytes size, Visit&& visit) {
  for_each_chunk(address, size, kPageSize, visit);
}

}  // namespace sluice::fabric
