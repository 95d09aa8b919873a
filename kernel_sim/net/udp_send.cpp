// SPDX-License-Identifier: Apache-2.0
// From the program into a datagram and out (udp_sendmsg, ip_append_data): bytes are copied into the socket's page
// fragment, pages are referenced.
#include <algorithm>
#include <fcntl.h>
#include <poll.h>
#include <utility>

#include <netinet/in.h>

#include "kernel_sim/net/stack.h"
#include "kernel_sim/net/udp_socket.h"

namespace sluice::net {

namespace {

constexpr Bytes kMostPayload = 65'507;  // 65,535 less the headers of IP and UDP
constexpr Bytes kMostAsked = 65'535;

}  // namespace

struct UdpSocket::UserBytes {
  UdpSocket& socket;
  mm::UserMemory& memory;
  VirtAddr from;

  [[nodiscard]] Bytes truesize(Bytes size) const { return socket.m_udp.truesize_of(size); }
  Result<void> append(Skb& skb, Bytes size) {
    Stack& stack = socket.m_stack;
    PageFragment& block = stack.page_fragment();
    while (size > 0) {
      if (!block.refill()) return refuse(ENOBUFS);
      const Bytes piece = std::min(size, block.room());
      if (!stack.skbs().continues(skb, block.next()) && skb.fragment_count >= stack.m_config.max_fragments)
        return refuse(EMSGSIZE);
      stack.spend(stack.m_config.copy_fragment, hal::Work::Packet);
      if (memory.copy_in(from, block.next(), piece) < piece) return refuse(EFAULT);
      stack.skbs().append(skb, block.take(piece), stack.m_config.max_fragments);
      from += piece;
      size -= piece;
    }
    return {};
  }
};

struct UdpSocket::PipePages {
  UdpSocket& socket;
  fs::SpliceSource& source;

  /// The head holds nothing but headers.
  [[nodiscard]] Bytes truesize(Bytes size) const { return socket.m_stack.m_config.skb_overhead + size; }
  /// skb_splice_from_iter. What the pipe holds stays there until the datagram is complete.
  Result<void> append(Skb& skb, Bytes size) {
    Stack& stack = socket.m_stack;
    for (unsigned i = 0; size > 0; ++i) {
      mm::Fragment fragment = source.peek(i);
      fragment.size = static_cast<std::uint32_t>(std::min<Bytes>(fragment.size, size));
      stack.spend(stack.m_config.splice_fragment, hal::Work::Packet);
      stack.m_frames.get(fragment);
      if (!stack.skbs().append(skb, fragment, stack.m_config.max_fragments)) {
        stack.m_frames.put(fragment);
        return refuse(EMSGSIZE);
      }
      stack.m_ledger.passed_reference(source.place(), Place::SocketBuffer, fragment.address, fragment.size);
      size -= fragment.size;
    }
    return {};
  }
};

Result<Bytes> UdpSocket::send(mm::UserMemory& memory, VirtAddr from, Bytes size, int flags) {
  UserBytes bytes{*this, memory, from};
  return send_from(bytes, size, flags, nullptr);
}

Result<Bytes> UdpSocket::send_to(mm::UserMemory& memory, VirtAddr from, Bytes size, int flags,
                                 const kernel_sim::Endpoint& to) {
  UserBytes bytes{*this, memory, from};
  return send_from(bytes, size, flags, &to);
}

/// The slots of one call are one datagram.
Result<Bytes> UdpSocket::splice_write(fs::SpliceSource& source, Bytes size, std::uint64_t* offset,
                                      unsigned splice_flags) {
  if (offset != nullptr) return refuse(ESPIPE);
  PipePages pages{*this, source};
  const bool more_follows = (splice_flags & SPLICE_F_MORE) != 0;
  return splice_to_socket(source, size, m_stack.m_config.splice_batch, more_follows, [&](Bytes bytes, bool more) {
    m_stack.spend(m_stack.m_config.splice_call, hal::Work::SocketCall);
    const Result<Bytes> sent = send_from(pages, bytes, more ? MSG_MORE : 0, nullptr);
    if (sent) source.consume(bytes);
    return sent;
  });
}

/// udp_splice_eof.
void UdpSocket::splice_end() {
  m_corking.lock();
  if (m_corked.skb != nullptr && !m_cork_option) finish(m_corked);
  m_corking.unlock();
}

template <class Source>
Result<Bytes> UdpSocket::send_from(Source& source, Bytes size, int flags, const kernel_sim::Endpoint* to) {
  m_stack.spend(m_stack.m_config.send_call, hal::Work::SocketCall);
  if (const auto bound = autobind(); !bound) return refuse(EAGAIN);
  if (size > kMostAsked) return refuse(EMSGSIZE);
  if ((flags & MSG_OOB) != 0) return refuse(EOPNOTSUPP);
  const bool more = m_cork_option || (flags & MSG_MORE) != 0;
  if (m_corked.skb == nullptr) {
    const auto where = destination(to);
    if (!where) return tl::unexpected{where.error()};
    Outgoing datagram{nullptr, *where};
    if (more) m_corked.to = *where;  // whether it comes to a datagram or not
    if (const auto appended = append(datagram, source, size); !appended) return tl::unexpected{appended.error()};
    if (!more) {
      finish(datagram);
      return size;
    }
    m_corked = datagram;
    return size;
  }
  m_corking.lock();
  const auto appended = append(m_corked, source, size);  // wherever `to` points: the first call said where it goes
  if (appended && !more) finish(m_corked);
  m_corking.unlock();
  if (!appended) return tl::unexpected{appended.error()};
  return size;
}

/// What went wrong takes all of the datagram with it.
template <class Source>
Result<void> UdpSocket::append(Outgoing& datagram, Source& source, Bytes size) {
  const Bytes before = datagram.skb != nullptr ? datagram.skb->size : 0;
  Result<void> result;
  if (before + size > kMostPayload) {
    result = refuse(EMSGSIZE);
  } else if (datagram.skb != nullptr) {
    datagram.skb->truesize += static_cast<std::uint32_t>(size);
    result = source.append(*datagram.skb, size);
  } else if (result = begin(datagram); result) {
    datagram.skb->truesize = static_cast<std::uint32_t>(source.truesize(size));
    result = source.append(*datagram.skb, size);
  }
  if (!result && datagram.skb != nullptr) drop(datagram);
  return result;
}

/// sock_alloc_send_skb.
Result<void> UdpSocket::begin(Outgoing& datagram) {
  if (const int error = m_end->take_error(); error != 0) return refuse(error);
  if (m_end->send_shutdown) return refuse(fs::kQuietBrokenPipe);
  m_stack.spend(m_stack.m_config.skb_allocate, hal::Work::Packet);
  const Result<Skb*> made = m_stack.skbs().make_paged();
  if (!made) return refuse(ENOBUFS);
  datagram.skb = *made;
  datagram.skb->protocol = IPPROTO_UDP;
  return {};
}

/// The datagram goes out. That its memory is free again is told before it is delivered (skb_orphan in the loopback
/// device).
void UdpSocket::finish(Outgoing& datagram) {
  Skb& skb = *std::exchange(datagram.skb, nullptr);
  const std::uint32_t address = m_end->local.address;
  skb.header = {.source_address = address != 0 ? address : m_stack.source_address(datagram.to.address),
                .destination_address = datagram.to.address,
                .source_port = m_end->local.port,
                .destination_port = datagram.to.port};
  const sched::BottomHalvesOff until_told{m_stack.m_scheduler};
  m_udp.transmit(skb);
  if (writable()) m_end->tell(kWritableEvents);
}

/// As when it had left: its memory is free again (sock_wfree).
void UdpSocket::drop(Outgoing& datagram) {
  m_stack.spend(m_stack.m_config.skb_free, hal::Work::Packet);
  m_stack.skbs().release(*std::exchange(datagram.skb, nullptr));
  if (writable()) m_end->tell(kWritableEvents);
}

/// Where a datagram goes, as an address that this machine has.
Result<kernel_sim::Endpoint> UdpSocket::destination(const kernel_sim::Endpoint* to) const {
  if (to == nullptr && !m_end->connected) return refuse(EDESTADDRREQ);
  if (to == nullptr) return m_corked.to;
  const kernel_sim::Endpoint& where = *to;
  if (const auto checked = check_inet(where); !checked && where.family != AF_UNSPEC)
    return refuse(checked.error().value);
  if (where.port == 0) return refuse(EINVAL);
  return m_udp.route(*m_end, where);
}

/// A socket gets its port when it first sends or connects.
Result<void> UdpSocket::autobind() {
  if (m_end->holds_port()) return {};
  return m_udp.take_port(m_end, 0);
}

/// sock_writeable: only what is corked counts.
bool UdpSocket::writable() const {
  const Bytes queued = m_corked.skb != nullptr ? m_corked.skb->truesize : 0;
  return queued + 1 < m_send_buffer / 2;
}

Result<void> UdpSocket::set_cork(bool on) {
  m_cork_option = on;
  if (on || m_corked.skb == nullptr) return {};
  m_corking.lock();
  if (m_corked.skb != nullptr) finish(m_corked);
  m_corking.unlock();
  return {};
}

}  // namespace sluice::net
