// SPDX-License-Identifier: Apache-2.0
// From the receive queue to the program (tcp_recvmsg, tcp_splice_read).
#include <algorithm>

#include "kernel_sim/net/stack.h"
#include "kernel_sim/net/tcp_connection.h"

namespace sluice::net {

Result<Bytes> TcpConnection::receive_to(mm::UserMemory& memory, VirtAddr to, Bytes size, ReceiveFlags flags) {
  return receive_with(size, flags, [&](PhysAddr address, Bytes piece, Bytes done) -> Result<Bytes> {
    if (flags.truncate) return piece;
    const Bytes copied = memory.copy_out(address, to + done, piece);
    if (copied == 0) return refuse(EFAULT);
    return copied;
  });
}

Result<Bytes> TcpConnection::receive_pages(fs::SpliceSink& sink, Bytes size, ReceiveFlags flags) {
  return receive_with(size, flags, [&](PhysAddr address, Bytes piece, Bytes done) -> Result<Bytes> {
    const mm::Fragment fragment{address, static_cast<std::uint32_t>(piece)};
    m_stack.spend(m_stack.m_costs.splice_fragment);
    m_stack.m_frames.get(fragment);
    if (sink.push(fragment, Place::SocketBuffer)) return piece;
    m_stack.m_frames.put(fragment);
    if (done > 0) return 0;
    return refuse(EAGAIN);
  });
}

/// Walks the received bytes. `take(address, piece, done)` says how many of a piece it took; fewer ends the call.
template <class Take>
Result<Bytes> TcpConnection::receive_with(Bytes size, ReceiveFlags flags, Take take) {
  lock();
  m_stack.spend(m_stack.m_costs.receive_call);
  Bytes done = 0;
  int error = 0;
  bool stopped = false;
  if (const Result<void> ready = wait_connected(flags.non_blocking); !ready) error = ready.error().value;
  Skb* skb = m_received.front();
  std::uint32_t used = m_front_used;
  while (error == 0 && !stopped && done < size) {
    if (skb == nullptr) {
      if (flags.peek ? done > 0 : done > 0 && !flags.wait_all) break;
      if (m_error != 0) {
        if (done == 0) error = take_error();
        break;
      }
      if (m_receive_shutdown) break;
      if (m_state == State::Closed) {
        error = ENOTCONN;
        break;
      }
      if (flags.non_blocking) {
        if (done == 0) error = EAGAIN;
        break;
      }
      after_reading(done);
      wait_until(&TcpConnection::readable_or_over, "data from a socket");
      skb = m_received.front();
      used = m_front_used;
      continue;
    }
    const Bytes want = std::min<Bytes>(size - done, skb->size - used);
    Bytes begin = used;
    // Of a piece at a time, for the copy may stop anywhere.
    for_each_piece(*skb, begin, want, [&](PhysAddr address, Bytes piece) {
      if (stopped || error != 0) return;
      const Result<Bytes> taken = take(address, piece, done);
      if (!taken) {
        error = taken.error().value;
        return;
      }
      done += *taken;
      used += static_cast<std::uint32_t>(*taken);
      stopped = *taken < piece;
    });
    Skb* const next = used == skb->size ? SkbQueue::after(*skb) : skb;
    if (!flags.peek) {
      m_received_bytes -= used - m_front_used;
      m_front_used = used;
      if (used == skb->size) {
        m_received.remove(*skb);
        m_front_used = 0;
        m_receive_memory -= std::min<Bytes>(m_receive_memory, skb->truesize);
        m_stack.spend(m_stack.m_costs.skb_free);
        m_stack.skbs().release(*skb);
      }
    }
    if (next != skb) used = 0;
    skb = next;
  }
  if (!flags.peek) after_reading(done);
  unlock();
  if (done > 0 || error == 0) return done;
  return refuse(error);
}

/// tcp_cleanup_rbuf, tcp_rcv_space_adjust: tells the peer of new room when it has doubled, and lets the buffer follow
/// the reader, twice what it read in a round trip.
void TcpConnection::after_reading(Bytes copied) {
  if (copied == 0 || m_state == State::Closed) return;
  m_read_in_round += copied;
  const Picoseconds now = m_stack.m_machine.cpu.now();
  if (now - m_round_began >= std::max(m_srtt, 1_us)) {
    const Bytes wanted = 2 * (2 * m_read_in_round + 16 * Bytes{m_mss});
    if (!m_receive_buffer_fixed) {
      m_receive_buffer = std::max(m_receive_buffer, std::min(wanted, m_stack.m_config.rmem_max));
    }
    m_read_in_round = 0;
    m_round_began = now;
  }
  const Bytes room = m_receive_buffer > m_receive_memory ? (m_receive_buffer - m_receive_memory) / 2 : 0;
  const Bytes told = m_receive_edge > m_receive_next ? m_receive_edge - m_receive_next : 0;
  const bool drained = m_delayed_ack.pending() && m_receive_next - m_receive_told > m_mss;
  if (drained || (room >= 2 * told && room - told >= m_mss && !m_receive_shutdown)) send_acknowledgment();
}

}  // namespace sluice::net
