// SPDX-License-Identifier: Apache-2.0
// Passive open: a listening socket answers SYNs with connections of their own, which wait in its queue once the other
// end has acknowledged (net/ipv4/inet_connection_sock.c, tcp_minisocks.c).
#include <algorithm>

#include "kernel_sim/net/stack.h"
#include "kernel_sim/net/tcp_connection.h"

namespace sluice::net {

Result<void> TcpConnection::listen(int backlog) {
  lock();
  Result<void> result;
  if ((m_state != State::Closed && m_state != State::Listen) || m_attempt != Attempt::None) {
    result = refuse(EINVAL);
  } else if (m_state == State::Closed) {
    // Once more for a bound port: whoever shares it with a socket that only waited may not share it with a listener.
    m_state = State::Listen;
    result = m_stack.take_port(*this, m_holds_port ? m_local.port : std::uint16_t{0});
    if (result) {
      m_stack.add_listener(shared_from_this());
    } else {
      m_state = State::Closed;
    }
  }
  m_backlog_limit = std::min(static_cast<unsigned>(backlog), kSomaxconn);  // a negative one is large, as Linux casts it
  unlock();
  return result;
}

Result<std::shared_ptr<TcpConnection>> TcpConnection::accept(bool non_blocking) {
  lock();
  while (m_state == State::Listen && m_accept_queue.empty() && !non_blocking) {
    if (!wait_until(&TcpConnection::acceptable_or_over, "a connection to accept") &&
        m_stack.m_scheduler.interrupted()) {
      unlock();
      return refuse(EINTR);
    }
  }
  Result<std::shared_ptr<TcpConnection>> result = refuse(m_state == State::Listen ? EAGAIN : EINVAL);
  if (m_state == State::Listen && !m_accept_queue.empty()) {
    result = m_accept_queue.front();
    m_accept_queue.erase(m_accept_queue.begin());
    (*result)->m_in_accept_queue = false;
  }
  unlock();
  return result;
}

/// tcp_conn_request: with a full queue the packet is dropped, and the other end will repeat it.
void TcpConnection::receive_syn(Skb& skb) {
  m_stack.spend(m_stack.m_config.socket_create, hal::Work::SocketCall);
  if (m_accept_queue.size() <= m_backlog_limit) {
    const auto child = std::make_shared<TcpConnection>(m_stack);
    child->m_local = {skb.header.destination_address, skb.header.destination_port};
    child->m_peer = {skb.header.source_address, skb.header.source_port};
    child->m_send_buffer = m_send_buffer;
    child->m_send_buffer_fixed = m_send_buffer_fixed;
    child->m_receive_window = m_receive_window;
    child->m_nagle = m_nagle;
    child->m_options = m_options.of_accepted();
    child->m_attempt = Attempt::Known;
    child->m_listener = weak_from_this();
    if (m_stack.enter(child)) child->answer_syn(skb);
  } else {
    ++m_stack.m_statistics.listen_overflows;
  }
  m_stack.skbs().release(skb);
}

void TcpConnection::answer_syn(const Skb& skb) {
  m_receive_next = skb.header.sequence + std::uint64_t{1};
  m_receive_told = m_receive_next;
  m_receive_edge = m_receive_next;
  m_peer_timestamp = skb.header.timestamp;
  m_state = State::SynReceived;
  limit_segments(skb.segment_limit);
  follow_window(skb.header.window);
  m_window_end = m_una + skb.header.window;
  const Result<Skb*> answer = m_stack.skbs().make_paged();
  if (!answer) {
    finish();
    return;
  }
  (*answer)->syn = true;
  (*answer)->sequence = m_una;
  (*answer)->segment_limit = static_cast<std::uint16_t>(m_options.segment_size);
  m_unsent.push_back(**answer);
  sent_new_data(**answer);
  transmit(**answer);
}

/// The handshake of a connection that came in is complete.
void TcpConnection::become_acceptable() {
  const std::shared_ptr<TcpConnection> listener = m_listener.lock();
  if (listener == nullptr || listener->m_state != State::Listen) {
    m_orphan = true;
    send_control(nic::tcp_flag::kReset | nic::tcp_flag::kAck, m_next);
    finish();
    return;
  }
  m_in_accept_queue = true;
  listener->m_accept_queue.push_back(shared_from_this());
  listener->wake_readers();
}

/// Connections that nobody accepted are reset.
void TcpConnection::stop_listening() {
  m_state = State::Closed;
  m_stack.remove_listener(*this);
  if (m_orphan || !m_bound_port) m_stack.give_port(*this);
  for (const std::shared_ptr<TcpConnection>& child : std::exchange(m_accept_queue, {})) {
    child->m_orphan = true;
    child->close_from_interrupt();
  }
  wake();
}

}  // namespace sluice::net
