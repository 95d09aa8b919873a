// SPDX-License-Identifier: Apache-2.0
// Bytes into an AF_UNIX socket and out of it (unix_stream_sendmsg, unix_stream_read_generic).
#include <algorithm>
#include <fcntl.h>
#include <utility>

#include <sys/socket.h>

#include "kernel_sim/net/unix_socket.h"

namespace sluice::net {

// --- sending ---------------------------------------------------------------------------------------------------------

namespace {

/// Packet after packet; what was sent before an error counts. `one_packet` looks at `done`.
template <class OnePacket>
Result<Bytes> send_all(Bytes size, Bytes& done, OnePacket&& one_packet) {
  while (done < size) {
    const Result<Bytes> sent = one_packet();
    if (!sent && done == 0) return sent;
    if (!sent) break;
    done += *sent;
  }
  return done;
}

}  // namespace

/// unix_stream_sendmsg.
Result<Bytes> UnixSocket::send(mm::UserMemory& memory, VirtAddr from, Bytes size, int flags) {
  if ((flags & MSG_OOB) != 0) return refuse(m_peer == nullptr && size > 0 ? ENOTCONN : EOPNOTSUPP);
  m_sockets.spend(m_sockets.config.unix_send_call, hal::Work::SocketCall);
  if (m_peer == nullptr) return refuse(ENOTCONN);
  if (m_end->send_shutdown) return refuse(EPIPE);
  const bool no_wait = (flags & MSG_DONTWAIT) != 0 || non_blocking();
  Bytes done = 0;
  const auto one_packet = [&]() -> Result<Bytes> {
    if (const auto room = wait_for_room(no_wait); !room) return tl::unexpected{room.error()};
    // Two packets at least go into the buffer, so that sender and receiver can work at once.
    const Bytes piece = std::min({size - done, m_end->send_buffer / 2 - UnixSockets::kCacheLine,
                                  UnixSockets::kLargestInHead + UnixSockets::kLargestInPages});
    const Bytes beyond_head = piece > UnixSockets::kLargestInHead ? piece - UnixSockets::kLargestInHead : 0;
    const Bytes in_pages = std::min(piece, round_up(beyond_head, kPageSize));
    Result<Packet> packet = m_sockets.make(piece - in_pages, in_pages);
    if (!packet) return tl::unexpected{packet.error()};
    m_end->queued_memory += packet->truesize;
    if (const auto filled = fill(*packet, memory, from + done); !filled) {
      drop(*packet);
      return tl::unexpected{filled.error()};
    }
    if (const auto delivered = deliver(std::move(*packet)); !delivered) return tl::unexpected{delivered.error()};
    return piece;
  };
  return send_all(size, done, one_packet);
}

/// sock_alloc_send_pskb: one byte of room is enough for a packet. Whoever learns here that nobody reads any more gets
/// no signal.
Result<void> UnixSocket::wait_for_room(bool no_wait) {
  for (;;) {
    if (const int error = m_end->take_error(); error != 0) return refuse(error);
    if (m_end->send_shutdown) return refuse(fs::kQuietBrokenPipe);
    if (m_end->queued_memory < m_end->send_buffer) return {};
    if (no_wait) return refuse(EAGAIN);
    if (m_sockets.scheduler.interrupted()) return refuse(EINTR);
    m_sockets.scheduler.wait(m_end->waiters, "room in a send buffer");
  }
}

Result<void> UnixSocket::fill(Packet& packet, mm::UserMemory& memory, VirtAddr from) {
  Result<void> result;
  for_each_unix_piece(packet, 0, packet.size, [&](PhysAddr to, Bytes size) {
    m_sockets.spend(m_sockets.config.copy_fragment, hal::Work::Packet);
    if (memory.copy_in(from, to, size) < size) result = refuse(EFAULT);
    from += size;
    return result.has_value();
  });
  return result;
}

Result<void> UnixSocket::deliver(Packet packet) {
  if (m_peer->closed || m_peer->receive_shutdown) {
    drop(packet);
    return refuse(EPIPE);
  }
  m_peer->received.push_back(std::move(packet));
  m_peer->tell(kReadableEvents);
  return {};
}

/// A packet of this end's own that nobody will read.
void UnixSocket::drop(Packet& packet) {
  m_sockets.spend(m_sockets.config.skb_free, hal::Work::Packet);
  m_sockets.free(packet);
  m_end->released(packet.truesize);
}

/// splice_to_socket: up to 16 slots of the pipe as one message.
Result<Bytes> UnixSocket::splice_write(fs::SpliceSource& source, Bytes size, std::uint64_t* offset, unsigned) {
  if (offset != nullptr) return refuse(ESPIPE);
  return splice_to_socket(source, size, m_sockets.config.splice_batch, false, [&](Bytes bytes, bool /*more*/) {
    m_sockets.spend(m_sockets.config.splice_call, hal::Work::SocketCall);
    return send_pages(source, bytes);
  });
}

Result<Bytes> UnixSocket::send_pages(fs::SpliceSource& source, Bytes size) {
  m_sockets.spend(m_sockets.config.unix_send_call, hal::Work::SocketCall);
  if (m_peer == nullptr) return refuse(ENOTCONN);
  if (m_end->send_shutdown) return refuse(EPIPE);
  Bytes done = 0;
  const auto one_packet = [&]() -> Result<Bytes> {
    if (const auto room = wait_for_room(non_blocking()); !room) return tl::unexpected{room.error()};
    Result<Packet> packet = m_sockets.make(0, 0);
    if (!packet) return tl::unexpected{packet.error()};
    refer_to(*packet, source, size - done);
    m_end->queued_memory += packet->truesize;
    const Bytes sent = packet->size;
    if (const auto delivered = deliver(std::move(*packet)); !delivered) return tl::unexpected{delivered.error()};
    source.consume(sent);
    return sent;
  };
  return send_all(size, done, one_packet);
}

/// skb_splice_from_iter: page by page, also of a larger piece.
void UnixSocket::refer_to(Packet& packet, fs::SpliceSource& source, Bytes most) {
  for (unsigned i = 0; i < source.fragments() && most > 0; ++i) {
    mm::Fragment rest = source.peek(i);
    while (rest.size > 0 && most > 0) {
      if (packet.pages.size() >= m_sockets.config.max_fragments) return;
      const Bytes in_page = std::min<Bytes>(rest.size, kPageSize - rest.address.page_offset());
      const mm::Fragment piece{rest.address, static_cast<std::uint32_t>(std::min(in_page, most))};
      m_sockets.spend(m_sockets.config.splice_fragment, hal::Work::Packet);
      m_sockets.ledger.passed_reference(source.place(), Place::SocketBuffer, piece.address, piece.size);
      m_sockets.frames.get(piece);
      packet.pages.push_back(piece);
      packet.size += piece.size;
      packet.truesize += piece.size;
      rest.address += piece.size;
      rest.size -= piece.size;
      most -= piece.size;
    }
  }
}

// --- receiving -------------------------------------------------------------------------------------------------------

Result<Bytes> UnixSocket::recv(mm::UserMemory& memory, VirtAddr to, Bytes size, int flags) {
  if ((flags & MSG_OOB) != 0) return refuse(EINVAL);  // none was ever sent
  const ReceiveFlags how{.non_blocking = (flags & MSG_DONTWAIT) != 0 || non_blocking(),
                         .peek = (flags & MSG_PEEK) != 0,
                         .wait_all = (flags & MSG_WAITALL) != 0};
  return receive_with(size, how, [&](const Packet& packet, Bytes most, Bytes done) {
    return copy_out(packet, most, memory, to + done);
  });
}

Result<Bytes> UnixSocket::receive_message(mm::UserMemory& memory, VirtAddr to, Bytes size, int flags,
                                          MessageInfo& info) {
  const Result<Bytes> received = recv(memory, to, size, flags);
  if (received && *received > 0 && !m_peer->name.empty()) info.from = m_peer->endpoint();
  return received;
}

Result<Bytes> UnixSocket::splice_read(fs::SpliceSink& sink, Bytes size, std::uint64_t* offset, unsigned splice_flags) {
  if (offset != nullptr) return refuse(ESPIPE);
  const ReceiveFlags how{.non_blocking = (splice_flags & SPLICE_F_NONBLOCK) != 0 || non_blocking()};
  return receive_with(size, how,
                      [&](const Packet& packet, Bytes most, Bytes) { return hand_over(packet, most, sink); });
}

/// unix_stream_read_generic. `take(packet, most, done)` says how many of the packet's next bytes it took; an error
/// leaves the packet as it was. A peek goes through the queue once, and waits for its first packet only.
template <class Take>
Result<Bytes> UnixSocket::receive_with(Bytes size, ReceiveFlags flags, Take take) {
  UnixEnd& end = *m_end;
  m_sockets.spend(m_sockets.config.unix_receive_call, hal::Work::SocketCall);
  if (m_peer == nullptr) return refuse(EINVAL);
  const Bytes wanted = flags.wait_all ? size : std::min<Bytes>(size, static_cast<Bytes>(end.low_mark));
  const Bytes target = std::max<Bytes>(wanted, 1);
  Bytes done = 0;
  int error = 0;
  std::size_t peeked = 0;
  end.reading.lock();
  for (;;) {
    if (peeked >= end.received.size()) {
      if (done >= target || peeked > 0) break;
      if ((error = end.take_error()) != 0 || end.receive_shutdown) break;
      error = EAGAIN;
      if (flags.non_blocking) break;
      error = EINTR;
      if (m_sockets.scheduler.interrupted()) break;
      error = 0;
      end.reading.unlock();  // which may take time, in which something comes
      while (end.received.empty() && !end.over() && !m_sockets.scheduler.interrupted())
        m_sockets.scheduler.wait(end.waiters, "data from a socket");
      end.reading.lock();
      continue;
    }
    Packet& packet = end.received[peeked];
    const Result<Bytes> taken = take(packet, std::min(packet.left(), size - done), done);
    if (!taken) {
      error = EFAULT;
      break;
    }
    done += *taken;
    if (flags.peek) {
      ++peeked;
    } else {
      packet.consumed += *taken;
      if (packet.left() > 0) break;
      drop_front(*m_end, *m_peer);
    }
    if (done >= size) break;
  }
  end.reading.unlock();
  if (done > 0 || error == 0) return done;
  return refuse(error);
}

/// All of it or, for who cannot take all, nothing.
Result<Bytes> UnixSocket::copy_out(const Packet& packet, Bytes size, mm::UserMemory& memory, VirtAddr to) {
  bool good = true;
  for_each_unix_piece(packet, packet.consumed, size, [&](PhysAddr from, Bytes piece) {
    good = memory.copy_out(from, to, piece) == piece;
    to += piece;
    return good;
  });
  if (!good) return refuse(EFAULT);
  return size;
}

/// skb_splice_bits: pages by reference; a head lies in a slab, which nobody may refer to, so its bytes are copied.
Result<Bytes> UnixSocket::hand_over(const Packet& packet, Bytes size, fs::SpliceSink& sink) {
  Bytes done = 0;
  unsigned slots = 0;
  for_each_unix_piece(packet, packet.consumed, size, [&](PhysAddr from, Bytes piece) {
    const bool of_head = from >= packet.head && from < packet.head + packet.head_size;
    while (piece > 0) {
      if (sink.free_slots() == 0 || slots == m_sockets.config.max_fragments) return false;
      m_sockets.spend(m_sockets.config.splice_fragment, hal::Work::Packet);
      mm::Fragment fragment{from, static_cast<std::uint32_t>(piece)};
      if (of_head) {
        const Result<mm::Fragment> copy = copy_of_head(from, piece);
        if (!copy) return false;
        fragment = *copy;
      }
      m_sockets.frames.get(fragment);
      if (!sink.push(fragment, Place::SocketBuffer)) {
        m_sockets.frames.put(fragment);
        return false;
      }
      ++slots;
      from += fragment.size;
      piece -= fragment.size;
      done += fragment.size;
    }
    return true;
  });
  if (done == 0 && size > 0) return refuse(EAGAIN);
  return done;
}

/// linear_to_page, into a block that is used again from its start when nobody refers to it any more.
Result<mm::Fragment> UnixSocket::copy_of_head(PhysAddr from, Bytes most) {
  mm::FrameAllocator& frames = m_sockets.frames;
  mm::Fragment& block = m_end->page_fragment;
  if (block.size > 0 && frames.references(Frame::of(block.address)) == 1) m_end->page_used = 0;
  if (block.size > 0 && m_end->page_used + 32 > block.size) frames.put(std::exchange(block, {}));
  if (block.size == 0) {
    m_end->page_used = 0;
    Result<Frame> made = frames.try_allocate(Place::SocketBuffer, UnixSockets::kPagesOrder);
    const unsigned order = made ? UnixSockets::kPagesOrder : 0;
    if (!made) made = frames.allocate(Place::SocketBuffer);
    if (!made) return tl::unexpected{made.error()};
    block = {made->address(), static_cast<std::uint32_t>(kPageSize << order)};
  }
  const PhysAddr to = block.address + m_end->page_used;
  const Bytes size = std::min<Bytes>(most, block.size - m_end->page_used);
  m_sockets.machine.cpu.copy(from, to, size);
  m_end->page_used += size;
  return mm::Fragment{to, static_cast<std::uint32_t>(size)};
}

void UnixSocket::drop_front(UnixEnd& end, UnixEnd& sender) {
  Packet packet = std::move(end.received.front());
  end.received.pop_front();
  UnixSockets& sockets = end.sockets;
  sockets.spend(sockets.config.skb_free, hal::Work::Packet);
  sockets.spend(sockets.config.fragment_free * packet.pages.size(), hal::Work::Packet);
  sockets.free(packet);
  sender.released(packet.truesize);
}

}  // namespace sluice::net
