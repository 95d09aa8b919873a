// SPDX-License-Identifier: Apache-2.0
// The datagrams that a socket has received and nobody has read (__udp_enqueue_schedule_skb, __skb_recv_udp). The buffer
// counts truesize.
//
//   push ─► arrived ── all at once, when the reader's are used up ──► the reader's ─► pop
//
// - A datagram that finds no room is dropped, but one into an empty buffer always fits.
// - What was read is given back late: a quarter of the buffer at a time, or when the reader's datagrams are used up
//   (udp_rmem_release). Until then it leaves no room for new ones.
#pragma once

#include "kernel_sim/net/skb.h"

namespace sluice::net {

class DatagramQueue {
 public:
  explicit DatagramQueue(Bytes buffer) { set_buffer(buffer); }
  void set_buffer(Bytes buffer) {
    m_buffer = buffer;
    m_given_back_at = buffer / 4;
  }

  /// Takes over one reference of the packet. False when there is no room: the packet stays the caller's.
  bool push(Skb& skb) {
    if (m_memory > 0 && m_memory + skb.truesize > m_buffer) return false;
    m_memory += skb.truesize;
    m_arrived.push_back(skb);
    return true;
  }
  [[nodiscard]] bool empty() const { return m_readers.empty() && m_arrived.empty(); }
  /// Whoever looks at the first datagram makes all that are there the reader's. Null when there is none.
  Skb* front() {
    if (m_readers.empty()) std::swap(m_readers, m_arrived);
    return m_readers.front();
  }
  /// The first datagram, with its reference. There must be one.
  Skb& pop() {
    Skb& skb = *front();
    m_readers.remove(skb);
    m_read += skb.truesize;
    if (m_read >= m_given_back_at || m_readers.empty()) m_memory -= std::exchange(m_read, 0);
    return skb;
  }

  [[nodiscard]] Bytes buffer() const { return m_buffer; }
  /// Memory that is accounted for, also of what was read and not given back.
  [[nodiscard]] Bytes memory() const { return m_memory; }

 private:
  SkbQueue m_arrived;
  SkbQueue m_readers;
  Bytes m_buffer = 0;
  Bytes m_given_back_at = 0;
  Bytes m_memory = 0;
  Bytes m_read = 0;  // of m_memory
};

}  // namespace sluice::net
