// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/unix_socket.h"

#include <algorithm>
#include <climits>
#include <fcntl.h>
#include <poll.h>

#include <sys/socket.h>

namespace sluice::net {

namespace {

constexpr Bytes kSmallestHead = 512;  // what kmalloc gives for the least there is

constexpr std::uint32_t kAnything = 0;

/// Which of the slab caches 512, 1024, 2048, 4096 holds a head for so many bytes. The sockets' memory is accounted to
/// control groups, so the cache of small heads is not theirs.
unsigned object_for(Bytes in_head) {
  const Bytes needed = round_up(in_head, UnixSockets::kCacheLine) + kSkbSharedInfo;
  unsigned object = 0;
  while ((kSmallestHead << object) < needed) ++object;
  return object;
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
  packet.truesize = (kSmallestHead << packet.head_object) + kSkbRecord;
  unsigned order = UnixSockets::kPagesOrder;
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
  if (writable(2)) tell(kWritableEvents);
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
  m_sockets.names.remove(*m_end);
  m_end->send_shutdown = m_end->receive_shutdown = true;
  if (m_end->listening) stop_listening();
  if (m_peer == nullptr) return;
  if (!m_end->received.empty()) m_peer->error = ECONNRESET;
  m_peer->hung_up();
  while (!m_end->received.empty()) drop_front(*m_end, *m_peer);
}

/// The other end has gone.
void UnixEnd::hung_up() {
  send_shutdown = receive_shutdown = true;
  tell(kAnything);
}

Result<void> UnixSocket::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return refuse(EINVAL);
  const bool receive = how != SHUT_WR;
  const bool send = how != SHUT_RD;
  m_end->receive_shutdown |= receive;
  m_end->send_shutdown |= send;
  m_end->tell(kAnything);
  m_sockets.scheduler.wake_all(m_end->connecting);
  if (m_peer == nullptr) return {};
  m_peer->send_shutdown |= receive;
  m_peer->receive_shutdown |= send;
  m_peer->tell(kAnything);
  return {};
}

Result<std::uint64_t> UnixSocket::waiting_bytes() {
  if (m_end->listening) return refuse(EINVAL);
  std::uint64_t sum = 0;
  for (const UnixSockets::Packet& packet : m_end->received) sum += packet.left();
  return sum;
}

std::int16_t UnixSocket::poll() const {
  unsigned bits = 0;
  const bool unconnected = m_peer == nullptr && !m_end->listening;
  if (m_end->error != 0) bits |= POLLERR;
  if (unconnected || (m_end->send_shutdown && m_end->receive_shutdown)) bits |= POLLHUP;
  if (m_end->receive_shutdown) bits |= POLLRDHUP | POLLIN | POLLRDNORM;
  if (!m_end->received.empty() || !m_end->to_accept.empty()) bits |= POLLIN | POLLRDNORM;
  if (!m_end->listening && m_end->writable()) bits |= kWritableEvents;
  return static_cast<std::int16_t>(bits);
}

// --- options ---------------------------------------------------------------------------------------------------------

Result<void> UnixSocket::set_option(int level, int option, int value) {
  if (level != SOL_SOCKET) return refuse(EOPNOTSUPP);
  switch (option) {
    case SO_SNDBUF:
      m_end->send_buffer = send_buffer_for(value, m_sockets.config);
      if (m_end->writable()) m_end->tell(kWritableEvents);
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
    case SO_ACCEPTCONN:
      return m_end->listening ? 1 : 0;
    case SO_PROTOCOL:
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

}  // namespace sluice::net
