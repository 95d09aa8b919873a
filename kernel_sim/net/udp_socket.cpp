// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/udp_socket.h"

#include <algorithm>
#include <climits>
#include <poll.h>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "kernel_sim/net/stack.h"

namespace sluice::net {

UdpSocket::UdpSocket(Stack& stack, int flags)
    : Socket(flags),
      m_stack(stack),
      m_udp(stack.udp()),
      m_end(std::make_shared<UdpEnd>(stack)),
      m_corking(stack.m_scheduler),
      m_send_buffer(stack.m_config.udp_buffer) {}

/// Without close() packets stay what they are until the stack goes, for this must take no time.
UdpSocket::~UdpSocket() {
  m_end->closed = true;
  m_udp.give_port(*m_end);
}

void UdpSocket::close() {
  if (std::exchange(m_end->closed, true)) return;
  m_udp.give_port(*m_end);
  if (m_corked.skb != nullptr) drop(m_corked);
  while (!m_end->received.empty()) let_go(m_end->received.pop());
}

// --- names -----------------------------------------------------------------------------------------------------------

/// inet_dgram_connect, ip4_datagram_connect.
Result<void> UdpSocket::connect(kernel_sim::Endpoint peer) {
  if (peer.family == AF_UNSPEC) return end_connection();
  if (const auto bound = autobind(); !bound) return refuse(EAGAIN);
  if (const auto checked = check_inet(peer); !checked) return checked;
  const auto routed = m_udp.route(*m_end, peer);
  if (!routed) return tl::unexpected{routed.error()};
  if (m_end->local.address == 0) m_end->local.address = m_stack.source_address(routed->address);
  m_end->peer = *routed;
  m_end->connected = true;
  m_corked.to = *routed;
  return {};
}

/// __udp_disconnect: what bind chose stays.
Result<void> UdpSocket::end_connection() {
  m_end->connected = false;
  m_end->peer = {};
  if (!m_end->bound_address) m_end->local.address = 0;
  if (!m_end->bound_port) m_udp.give_port(*m_end);
  return {};
}

/// __inet_bind.
Result<void> UdpSocket::bind(kernel_sim::Endpoint local) {
  const bool anywhere = local.family == AF_UNSPEC && local.address == 0;
  if (const auto checked = check_inet(local); !checked && !anywhere) return checked;
  if (const auto checked = m_stack.check_local(local); !checked) return checked;
  if (m_end->connected || m_end->holds_port()) return refuse(EINVAL);
  const std::uint32_t before = std::exchange(m_end->local.address, local.address);
  if (const auto taken = m_udp.take_port(m_end, local.port); !taken) {
    m_end->local.address = before;
    return taken;
  }
  m_end->bound_address = local.address != 0;
  m_end->bound_port = local.port != 0;
  return {};
}

Result<kernel_sim::Endpoint> UdpSocket::peer_name() const {
  if (!m_end->connected || m_end->peer.port == 0) return refuse(ENOTCONN);
  return m_end->peer;
}

/// inet_shutdown: also of a socket that is not connected, which is told that it is not.
Result<void> UdpSocket::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return refuse(EINVAL);
  m_end->receive_shutdown |= how != SHUT_WR;
  m_end->send_shutdown |= how != SHUT_RD;
  m_end->tell(0);
  if (!m_end->connected) return refuse(ENOTCONN);
  return {};
}

std::int16_t UdpSocket::poll() const {
  unsigned bits = 0;
  if (m_end->error != 0) bits |= POLLERR;
  if (m_end->send_shutdown && m_end->receive_shutdown) bits |= POLLHUP;
  if (m_end->receive_shutdown) bits |= POLLRDHUP | POLLIN | POLLRDNORM;
  if (!m_end->received.empty()) bits |= POLLIN | POLLRDNORM;
  if (writable()) bits |= kWritableEvents;
  return static_cast<std::int16_t>(bits);
}

// --- options ---------------------------------------------------------------------------------------------------------

Result<void> UdpSocket::set_option(int level, int option, int value) {
  SocketOptions& options = m_end->options;
  if (level == IPPROTO_UDP && option == UDP_CORK) return set_cork(value != 0);
  if (level == IPPROTO_IP && option == IP_TOS) {
    options.set_type_of_service(value);
    return {};
  }
  if (level == IPPROTO_IP) return options.set(level, option, value);
  if (level != SOL_SOCKET) return refuse(ENOPROTOOPT);
  switch (option) {
    case SO_SNDBUF:
      m_send_buffer = send_buffer_for(value, m_stack.m_config);
      if (writable()) m_end->tell(kWritableEvents);
      return {};
    case SO_RCVBUF:
      m_end->received.set_buffer(receive_buffer_for(value, m_stack.m_config));
      return {};
    case SO_RCVLOWAT:
      m_low_mark = value < 0 ? INT_MAX : std::max(value, 1);
      return {};
    case SO_ZEROCOPY:
      return refuse(EOPNOTSUPP);
    default:
      return options.set(level, option, value);
  }
}

Result<int> UdpSocket::option(int level, int option) {
  if (level == IPPROTO_UDP && option == UDP_CORK) return m_cork_option ? 1 : 0;
  if (level == IPPROTO_UDP) return refuse(ENOPROTOOPT);
  if (level == IPPROTO_IP) return m_end->options.get(level, option);
  if (level != SOL_SOCKET) return refuse(EOPNOTSUPP);
  switch (option) {
    case SO_ERROR:
      return m_end->take_error();
    case SO_TYPE:
      return SOCK_DGRAM;
    case SO_DOMAIN:
      return AF_INET;
    case SO_PROTOCOL:
      return IPPROTO_UDP;
    case SO_ACCEPTCONN:
      return 0;
    case SO_SNDBUF:
      return static_cast<int>(m_send_buffer);
    case SO_RCVBUF:
      return static_cast<int>(m_end->received.buffer());
    case SO_RCVLOWAT:
      return m_low_mark;
    default:
      return m_end->options.get(level, option);
  }
}

// --- receiving -------------------------------------------------------------------------------------------------------

Result<Bytes> UdpSocket::recv(mm::UserMemory& memory, VirtAddr to, Bytes size, int flags) {
  MessageInfo info;
  return receive_message(memory, to, size, flags, info);
}

/// udp_recvmsg. A datagram whose bytes cannot be stored is lost, unless it was only looked at.
Result<Bytes> UdpSocket::receive_message(mm::UserMemory& memory, VirtAddr to, Bytes size, int flags,
                                         MessageInfo& info) {
  if ((flags & MSG_ERRQUEUE) != 0) return refuse(EAGAIN);
  m_stack.spend(m_stack.m_config.receive_call, hal::Work::SocketCall);
  const bool peek = (flags & MSG_PEEK) != 0;
  const auto taken = take_datagram(peek, (flags & MSG_DONTWAIT) != 0 || non_blocking());
  if (!taken) return tl::unexpected{taken.error()};
  if (*taken == nullptr) return 0;
  Skb& skb = **taken;
  const Bytes whole = skb.size;
  const Bytes copied = std::min(size, whole);
  info.from = {skb.header.source_address, skb.header.source_port};
  if (copied < whole) info.flags |= MSG_TRUNC;
  bool good = true;
  for_each_piece(skb, 0, copied, [&](PhysAddr from, Bytes piece) {
    good = good && memory.copy_out(from, to, piece) == piece;
    to += piece;
  });
  if (!peek && m_stack.m_receive_observer) for_each_piece(skb, 0, copied, m_stack.m_receive_observer);
  let_go(skb);
  if (!good) return refuse(EFAULT);
  return (flags & MSG_TRUNC) != 0 ? whole : copied;
}

/// __skb_recv_udp: the next datagram with a reference; null when no more are to be received.
Result<Skb*> UdpSocket::take_datagram(bool peek, bool no_wait) {
  for (;;) {
    if (const int error = m_end->take_error(); error != 0) return refuse(error);
    if (!m_end->received.empty()) {
      if (!peek) return &m_end->received.pop();
      Skb* const first = m_end->received.front();
      ++first->references;
      return first;
    }
    if (no_wait) return refuse(EAGAIN);
    if (m_end->receive_shutdown) return nullptr;
    if (m_stack.m_scheduler.interrupted()) return refuse(EINTR);
    m_stack.m_scheduler.wait(m_end->waiters, "a datagram");
  }
}

Result<std::uint64_t> UdpSocket::waiting_bytes() {
  const Skb* const first = m_end->received.front();
  return first != nullptr ? first->size : 0;
}

void UdpSocket::let_go(Skb& skb) {
  const unsigned fragments = m_stack.skbs().release(skb);
  m_stack.spend(m_stack.m_config.skb_free + m_stack.m_config.fragment_free * fragments, hal::Work::Packet);
}

/// copy_splice_read.
Result<Bytes> UdpSocket::splice_read(fs::SpliceSink& sink, Bytes size, std::uint64_t* offset, unsigned) {
  if (offset != nullptr) return refuse(ESPIPE);
  m_stack.spend(m_stack.m_config.receive_call, hal::Work::SocketCall);
  const auto taken = take_datagram(false, non_blocking());
  if (!taken) return tl::unexpected{taken.error()};
  if (*taken == nullptr) return 0;
  Skb& skb = **taken;
  const Bytes copied = std::min<Bytes>({size, skb.size, sink.free_slots() * kPageSize});
  std::vector<mm::Fragment> pages;
  for (Bytes left = copied; left > 0; left -= pages.back().size) {
    const Result<Frame> page = m_stack.m_frames.allocate(Place::Pipe);
    if (!page) break;
    pages.push_back({page->address(), static_cast<std::uint32_t>(std::min(left, kPageSize))});
  }
  if (pages.size() < divide_up(copied, kPageSize)) {
    for (const mm::Fragment& page : pages) m_stack.m_frames.put(page);
    let_go(skb);
    return refuse(ENOMEM);
  }
  copy_payload(m_stack.m_machine.cpu, skb, copied, pages);
  let_go(skb);
  for (const mm::Fragment& page : pages) {
    if (!sink.push(page, Place::Pipe)) m_stack.m_frames.put(page);
  }
  return copied;
}

}  // namespace sluice::net
