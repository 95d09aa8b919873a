// SPDX-License-Identifier: Apache-2.0
// The memory that a socket has reserved for packets and not used yet (sk_forward_alloc). The kernel's account of all
// sockets counts whole pages; what a socket needs of them it takes byte by byte, for packets in both directions.
//
// The account itself is not modelled, for it never runs short. How much is left of the last page decides all the same
// which way a received packet takes.
#pragma once

#include "models/base/types.h"

namespace sluice::net {

class MemoryReserve {
 public:
  [[nodiscard]] bool covers(Bytes size) const { return size <= m_left; }
  /// Reserves pages until `size` bytes are there (__sk_mem_schedule).
  void schedule(Bytes size) {
    if (!covers(size)) m_left += round_up(size - m_left, kPageSize);
  }
  /// A packet takes `size` bytes, reserved if need be (sk_mem_charge).
  void charge(Bytes size) {
    schedule(size);
    m_left -= size;
  }
  /// A packet gives its bytes back, and the socket whole pages (sk_mem_uncharge, sk_mem_reclaim).
  void uncharge(Bytes size) {
    m_left += size;
    m_left %= kPageSize;
  }

 private:
  Bytes m_left = 0;
};

}  // namespace sluice::net
