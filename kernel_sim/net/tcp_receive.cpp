// SPDX-License-Identifier: Apache-2.0
// From the receive queue to the program (tcp_recvmsg, tcp_splice_read).
#include <algorithm>

#include "kernel_sim/net/stack.h"
#include "kernel_sim/net/tcp_connection.h"

namespace sluice::net {

Result<Bytes> TcpConnection::receive_to(mm::UserMemory& memory, VirtAddr to, Bytes size, ReceiveFlags flags) {
  const Bytes low_mark = m_receive_window.low_mark();
  return receive_with(size, low_mark, flags, [&](PhysAddr address, Bytes piece, Bytes done) -> Result<Bytes> {
    if (flags.truncate) return piece;
    if (memory.copy_out(address, to + done, piece) < piece) return refuse(EFAULT);
    return piece;
  });
}

Result<Bytes> TcpConnection::receive_pages(fs::SpliceSink& sink, Bytes size, ReceiveFlags flags) {
  flags.whole_runs = true;  // of one packet (spd_can_coalesce)
  return receive_with(size, 1, flags, [&](PhysAddr address, Bytes piece, Bytes done) -> Result<Bytes> {
    const mm::Fragment fragment{address, static_cast<std::uint32_t>(piece)};
    m_stack.spend(m_stack.m_config.splice_fragment, hal::Work::Packet);
    m_stack.m_frames.get(fragment);
    if (sink.push(fragment, Place::SocketBuffer)) return piece;
    m_stack.m_frames.put(fragment);
    if (done > 0) return 0;
    return refuse(EAGAIN);
  });
}

/// As for_each_piece, with pieces that continue each other as one.
template <class Visit>
void TcpConnection::for_each_run(const Skb& skb, Bytes begin, Bytes size, Visit visit) const {
  mm::Fragment run{};
  for_each_piece(skb, begin, size, [&](PhysAddr address, Bytes piece) {
    if (run.size > 0 && !m_stack.skbs().follows(run, address)) {
      visit(run.address, run.size);
      run = {};
    }
    if (run.size == 0) run.address = address;
    run.size += static_cast<std::uint32_t>(piece);
  });
  if (run.size > 0) visit(run.address, run.size);
}

/// Walks the received bytes, and waits until `low_mark` were there. `take(address, piece, done)` says how many of a
/// piece it took; fewer ends the call. An error leaves the whole packet in the queue, also what was taken of it before
/// (skb_copy_datagram_iter).
template <class Take>
Result<Bytes> TcpConnection::receive_with(Bytes size, Bytes low_mark, ReceiveFlags flags, Take take) {
  if (m_state == State::Listen) return refuse(ENOTCONN);
  lock();
  m_stack.spend(m_stack.m_config.receive_call, hal::Work::SocketCall);
  Bytes done = 0;
  int error = 0;
  bool stopped = false;
  if (const Result<void> ready = wait_connected(flags.non_blocking); !ready) error = ready.error().value;
  const Bytes target = flags.wait_all ? size : std::min(size, low_mark);
  Skb* skb = m_received.front();
  std::uint32_t used = m_front_used;
  // At least once: a call for no bytes, too, says whether there is something.
  for (bool first = true; error == 0 && !stopped && (done < size || first); first = false) {
    if (skb == nullptr) {
      if (done > 0 && !flags.peek && !m_backlog.empty()) {  // more came while this call owned the connection
        unlock();
        lock();
        skb = m_received.front();
        used = m_front_used;
        continue;
      }
      if (done > 0 && (flags.peek || done >= target)) break;
      if (m_peer_finished) break;
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
      if (m_stack.m_scheduler.interrupted()) {
        if (done == 0) error = EINTR;
        break;
      }
      after_reading(done);
      static_cast<void>(wait_until(&TcpConnection::readable_or_over, "data from a socket"));
      skb = m_received.front();
      used = m_front_used;
      continue;
    }
    const Bytes want = std::min<Bytes>(size - done, skb->size - used);
    const Bytes done_before = done;
    const std::uint32_t begin = used;
    const auto take_piece = [&](PhysAddr address, Bytes piece) {
      if (stopped || error != 0) return;
      const Result<Bytes> taken = take(address, piece, done);
      if (!taken) {
        error = taken.error().value;
        return;
      }
      done += *taken;
      used += static_cast<std::uint32_t>(*taken);
      stopped = *taken < piece;
    };
    if (flags.whole_runs) {
      for_each_run(*skb, begin, want, take_piece);
    } else {
      for_each_piece(*skb, begin, want, take_piece);
    }
    if (error != 0) {
      done = done_before;
      used = begin;
    }
    if (!flags.peek && m_stack.m_receive_observer) {
      for_each_piece(*skb, begin, used - begin, m_stack.m_receive_observer);
    }
    Skb* const next = used == skb->size ? SkbQueue::after(*skb) : skb;
    if (!flags.peek) {
      m_received_bytes -= used - m_front_used;
      m_front_used = used;
      if (used == skb->size) {
        m_received.remove(*skb);
        m_front_used = 0;
        m_receive_window.freed(skb->truesize);
        m_reserve.uncharge(skb->truesize);
        const unsigned fragments = m_stack.skbs().release(*skb);
        m_stack.spend(m_stack.m_config.skb_free + m_stack.m_config.fragment_free * fragments, hal::Work::Packet);
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

/// tcp_rcv_space_adjust, __tcp_cleanup_rbuf: the buffer follows the reader; an acknowledgment that waited goes out when
/// it covers more than a segment, when a write was read to its end, or when the window has at least doubled.
void TcpConnection::after_reading(Bytes copied) {
  if (m_state == State::Closed) return;
  if (copied > 0) m_receive_window.read(copied, m_stack.m_machine.cpu.now());
  bool now = false;
  if (m_ack.scheduled()) {
    const bool drained = copied > 0 && m_ack.reader_acknowledges() && m_received.empty();
    now = drained || m_receive_next - m_receive_told > m_receive_window.measured_segment();
  }
  const Bytes told = announced_window();
  if (copied > 0 && !now && !m_receive_shutdown && m_receive_window.may_double(told)) {
    const Bytes window = m_receive_window.select();
    now = window > 0 && window >= 2 * told;
  }
  if (now) send_acknowledgment();
}

}  // namespace sluice::net
