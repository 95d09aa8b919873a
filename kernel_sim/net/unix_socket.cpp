// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/unix_socket.h"

#include <algorithm>
#include <climits>
#include <fcntl.h>
#include <poll.h>

#include <sys/socket.h>

namespace sluice::net {

namespace {

constexpr Bytes kCacheLine = 64;
constexpr Bytes kSharedInfo = 320;                         // SKB_DATA_ALIGN(sizeof(struct skb_shared_info))
constexpr Bytes kRecord = 256;                             // SKB_DATA_ALIGN(sizeof(struct sk_buff))
constexpr Bytes kSmallestHead = 512;                       // what kmalloc gives for the least there is
constexpr Bytes kLargestInHead = kPageSize - kSharedInfo;  // SKB_MAX_HEAD(0)
constexpr Bytes kLargestInPages = 32_KiB;                  // UNIX_SKB_FRAGS_SZ
constexpr unsigned kPagesOrder = 3;                        // of one allocation of them, where memory allows

constexpr std::uint32_t kReadable = POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND;
constexpr std::uint32_t kWritable = POLLOUT | POLLWRNORM | POLLWRBAND;
constexpr std::uint32_t kAnything = 0;

/// Which of the slab caches 512, 1024, 2048, 4096 holds a head for so many bytes. The sockets' memory is accounted to
/// control groups, so the cache of small heads is not theirs.
unsigned object_for(Bytes in_head) {
  const Bytes needed = round_up(in_head, kCacheLine) + kSharedInfo;
  unsigned object = 0;
  while ((kSmallestHead << object) < needed) ++object;
  return object;
}

/// Calls visit(address, size) for the pieces of bytes [begin, begin + size), in order, until it says no.
template <class Visit>
void for_each_unix_piece(const UnixSockets::Packet& packet, Bytes begin, Bytes size, Visit visit) {
  const auto part = [&](PhysAddr at, Bytes length) {
    if (size == 0) return true;
    if (begin >= length) {
      begin -= length;
      return true;
    }
    const Bytes piece = std::min(length - begin, size);
    const bool goes_on = visit(at + begin, piece);
    begin = 0;
    size -= piece;
    return goes_on;
  };
  if (!part(packet.head, packet.head_size)) return;
  for (const mm::Fragment& page : packet.pages) {
    if (!part(page.address, page.size)) return;
  }
}

}  // namespace

// --- packets ---------------------------------------------------------------------------------------------------------

UnixSockets::UnixSockets(hal::Machine& of, sched::Scheduler& with, mm::FrameAllocator& memory, base::Ledger& book,
                         const NetConfig& settings)
    : machine(of),
      scheduler(with),
      frames(memory),
      ledger(book),
      config(settings),
      m_heads{SlotCache{memory, Place::SocketBuffer, kSmallestHead},
              SlotCache{memory, Place::SocketBuffer, kSmallestHead * 2},
              SlotCache{memory, Place::SocketBuffer, kSmallestHead * 4},
              SlotCache{memory, Place::SocketBuffer, kSmallestHead * 8}} {}

/// alloc_skb_with_frags: pages in blocks, smaller towards the end, so that no page is there for nothing.
Result<UnixSockets::Packet> UnixSockets::make(Bytes in_head, Bytes in_pages) {
  spend(config.skb_allocate, hal::Work::Packet);
  Packet packet;
  packet.head_object = object_for(in_head);
  const Result<PhysAddr> head = m_heads[packet.head_object].take();
  if (!head) return refuse(ENOBUFS);
  packet.head = *head;
  packet.head_size = in_head;
  packet.size = in_head;
  packet.truesize = (kSmallestHead << packet.head_object) + kRecord;
  unsigned order = kPagesOrder;
  while (in_pages > 0) {
    while (order > 0 && round_up(in_pages, kPageSize) < (kPageSize << order)) --order;
    const Result<Frame> block =
        order > 0 ? frames.try_allocate(Place::SocketBuffer, order) : frames.allocate(Place::SocketBuffer);
    if (!block && order > 0) {
      --order;
      continue;
    }
    if (!block) {
      free(packet);
      return refuse(ENOBUFS);
    }
    const Bytes piece = std::min(in_pages, kPageSize << order);
    packet.pages.push_back({block->address(), static_cast<std::uint32_t>(piece)});
    packet.truesize += kPageSize << order;
    packet.size += piece;
    in_pages -= piece;
  }
  return packet;
}

void UnixSockets::free(Packet& packet) {
  for (const mm::Fragment& page : packet.pages) frames.put(page);
  m_heads[packet.head_object].give(packet.head);
}

// --- ends ------------------------------------------------------------------------------------------------------------

UnixEnd::~UnixEnd() {
  if (page_fragment.size > 0) sockets.frames.put(page_fragment);
}

void UnixEnd::tell(std::uint32_t events) {
  waiters.notify(events);
  sockets.scheduler.wake_all(waiters);
}

/// sock_wfree: one byte of the packet still counts while the sender is told.
void UnixEnd::released(Bytes truesize) {
  queued_memory -= truesize;
  if (writable(2)) tell(kWritable);
}

std::pair<std::shared_ptr<UnixSocket>, std::shared_ptr<UnixSocket>> make_unix_pair(UnixSockets& sockets, int flags) {
  sockets.spend(sockets.config.socket_create * 2, hal::Work::SocketCall);
  auto first = std::make_shared<UnixEnd>(sockets, sockets.config.unix_buffer);
  auto second = std::make_shared<UnixEnd>(sockets, sockets.config.unix_buffer);
  return {std::make_shared<UnixSocket>(first, second, flags), std::make_shared<UnixSocket>(second, first, flags)};
}

UnixSocket::~UnixSocket() { close(); }

/// unix_release_sock: the peer hears of it before what was not read is thrown away.
void UnixSocket::close() {
  if (std::exchange(m_end->closed, true)) return;
  m_end->send_shutdown = m_end->receive_shutdown = true;
  m_peer->send_shutdown = m_peer->receive_shutdown = true;
  if (!m_end->received.empty()) m_peer->error = ECONNRESET;
  m_peer->tell(kAnything);
  while (!m_end->received.empty()) drop_front();
}

Result<void> UnixSocket::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return refuse(EINVAL);
  const bool receive = how != SHUT_WR;
  const bool send = how != SHUT_RD;
  m_end->receive_shutdown |= receive;
  m_end->send_shutdown |= send;
  m_end->tell(kAnything);
  m_peer->send_shutdown |= receive;
  m_peer->receive_shutdown |= send;
  m_peer->tell(kAnything);
  return {};
}

std::int16_t UnixSocket::poll() const {
  unsigned bits = 0;
  if (m_end->error != 0) bits |= POLLERR;
  if (m_end->send_shutdown && m_end->receive_shutdown) bits |= POLLHUP;
  if (m_end->receive_shutdown) bits |= POLLRDHUP | POLLIN | POLLRDNORM;
  if (!m_end->received.empty()) bits |= POLLIN | POLLRDNORM;
  if (m_end->writable()) bits |= kWritable;
  return static_cast<std::int16_t>(bits);
}

// --- options ---------------------------------------------------------------------------------------------------------

Result<void> UnixSocket::set_option(int level, int option, int value) {
  if (level != SOL_SOCKET) return refuse(EOPNOTSUPP);
  switch (option) {
    case SO_SNDBUF:
      m_end->send_buffer = send_buffer_for(value, m_sockets.config);
      if (m_end->writable()) m_end->tell(kWritable);
      return {};
    case SO_RCVBUF:
      m_end->receive_buffer = receive_buffer_for(value, m_sockets.config);
      return {};
    case SO_RCVLOWAT:
      m_end->low_mark = value < 0 ? INT_MAX : std::max(value, 1);
      return {};
    case SO_ZEROCOPY:
      return refuse(EOPNOTSUPP);
    case SO_REUSEPORT:
      if (value != 0) return refuse(EOPNOTSUPP);
      [[fallthrough]];
    default:
      return m_end->options.set(level, option, value);
  }
}

Result<int> UnixSocket::option(int level, int option) {
  if (level != SOL_SOCKET) return refuse(EOPNOTSUPP);
  switch (option) {
    case SO_ERROR:
      return m_end->take_error();
    case SO_TYPE:
      return SOCK_STREAM;
    case SO_DOMAIN:
      return AF_UNIX;
    case SO_PROTOCOL:
    case SO_ACCEPTCONN:
    case SO_ZEROCOPY:
      return 0;
    case SO_SNDBUF:
      return static_cast<int>(m_end->send_buffer);
    case SO_RCVBUF:
      return static_cast<int>(m_end->receive_buffer);
    case SO_RCVLOWAT:
      return m_end->low_mark;
    default:
      return m_end->options.get(level, option);
  }
}

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
  if ((flags & MSG_OOB) != 0) return refuse(EOPNOTSUPP);
  m_sockets.spend(m_sockets.config.unix_send_call, hal::Work::SocketCall);
  if (m_end->send_shutdown) return refuse(EPIPE);
  const bool no_wait = (flags & MSG_DONTWAIT) != 0 || non_blocking();
  Bytes done = 0;
  const auto one_packet = [&]() -> Result<Bytes> {
    if (const auto room = wait_for_room(no_wait); !room) return tl::unexpected{room.error()};
    // Two packets at least go into the buffer, so that sender and receiver can work at once.
    const Bytes piece = std::min({size - done, m_end->send_buffer / 2 - kCacheLine, kLargestInHead + kLargestInPages});
    const Bytes beyond_head = piece > kLargestInHead ? piece - kLargestInHead : 0;
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

/// sock_alloc_send_pskb: one byte of room is enough for a packet.
Result<void> UnixSocket::wait_for_room(bool no_wait) {
  for (;;) {
    if (const int error = m_end->take_error(); error != 0) return refuse(error);
    if (m_end->send_shutdown) return refuse(EPIPE);
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
  m_peer->tell(kReadable);
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
  Bytes done = 0;
  while (done < size && source.fragments() > 0) {
    Bytes bytes = 0;
    for (unsigned i = 0; i < std::min(source.fragments(), m_sockets.config.splice_batch); ++i)
      bytes += source.peek(i).size;
    bytes = std::min(bytes, size - done);
    m_sockets.spend(m_sockets.config.splice_call, hal::Work::SocketCall);
    const Result<Bytes> sent = send_pages(source, bytes);
    if (!sent && done == 0) return sent;
    if (!sent) break;
    done += *sent;
    if (*sent < bytes) break;
  }
  return done;
}

Result<Bytes> UnixSocket::send_pages(fs::SpliceSource& source, Bytes size) {
  m_sockets.spend(m_sockets.config.unix_send_call, hal::Work::SocketCall);
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
      drop_front();
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
    Result<Frame> made = frames.try_allocate(Place::SocketBuffer, kPagesOrder);
    const unsigned order = made ? kPagesOrder : 0;
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

void UnixSocket::drop_front() {
  Packet packet = std::move(m_end->received.front());
  m_end->received.pop_front();
  m_sockets.spend(m_sockets.config.skb_free, hal::Work::Packet);
  m_sockets.spend(m_sockets.config.fragment_free * packet.pages.size(), hal::Work::Packet);
  m_sockets.free(packet);
  m_peer->released(packet.truesize);
}

}  // namespace sluice::net
