// SPDX-License-Identifier: Apache-2.0
// AF_UNIX stream sockets (net/unix/af_unix.c). There is no protocol: a sender puts its packets into
// the receive queue of the other end, and they count against its own send buffer until they are read.
//
//   send ── copy ──► packet: [ head | page | page .. ] ──► received of the other end ── copy ──► recv
//   splice ── page references ──► packet               ┘                             └─ references ──► splice
//
// - A call's bytes are cut into packets of at most 3776 bytes in a head and 32 KiB in pages.
// - Memory is counted as Linux's truesize: the slab object of the head, whole pages, and the record itself.
// - A socket that is closed with bytes unread resets its peer.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <poll.h>
#include <string>
#include <utility>
#include <vector>

#include "kernel_sim/hal/machine.h"
#include "kernel_sim/mm/frame_allocator.h"
#include "kernel_sim/net/net_config.h"
#include "kernel_sim/net/skb.h"
#include "kernel_sim/net/socket.h"
#include "kernel_sim/net/socket_options.h"
#include "kernel_sim/net/unix_names.h"
#include "kernel_sim/sched/scheduler.h"

namespace sluice::net {

/// What all AF_UNIX sockets of a kernel share.
class UnixSockets {
 public:
  UnixSockets(hal::Machine& machine, sched::Scheduler& scheduler, mm::FrameAllocator& frames, base::Ledger& ledger,
              const NetConfig& config);

  struct Packet {
    PhysAddr head;
    Bytes head_size = 0;       ///< bytes of the stream in the head
    unsigned head_object = 0;  ///< of which slab cache the head is
    std::vector<mm::Fragment> pages;
    Bytes size = 0;
    Bytes consumed = 0;
    Bytes truesize = 0;
    [[nodiscard]] Bytes left() const { return size - consumed; }
  };
  static constexpr Bytes kCacheLine = 64;
  static constexpr Bytes kLargestInHead = kPageSize - kSkbSharedInfo;  ///< SKB_MAX_HEAD(0)
  static constexpr Bytes kLargestInPages = 32_KiB;                     ///< UNIX_SKB_FRAGS_SZ
  static constexpr unsigned kPagesOrder = 3;  ///< of one allocation of them, where memory allows

  /// With room for so many bytes in the head and in pages. ENOBUFS.
  Result<Packet> make(Bytes in_head, Bytes in_pages);
  void free(Packet& packet);
  void spend(CpuCost cost, hal::Work work) { machine.cpu.execute(cost, work); }

  hal::Machine& machine;
  sched::Scheduler& scheduler;
  mm::FrameAllocator& frames;
  base::Ledger& ledger;
  const NetConfig& config;
  UnixNames names;

 private:
  std::array<SlotCache, 4> m_heads;
};

/// One end, which lives as long as either socket: packets in the other's queue count against it.
struct UnixEnd {
  UnixEnd(UnixSockets& of, Bytes buffer)
      : sockets(of), send_buffer(buffer), receive_buffer(buffer), reading(of.scheduler) {}
  ~UnixEnd();
  UnixEnd(const UnixEnd&) = delete;
  UnixEnd& operator=(const UnixEnd&) = delete;

  UnixSockets& sockets;
  std::deque<UnixSockets::Packet> received;
  Bytes queued_memory = 0;  ///< truesize of what it has sent and nobody has read
  Bytes send_buffer;
  Bytes receive_buffer;
  int low_mark = 1;
  bool send_shutdown = false;
  bool receive_shutdown = false;
  bool closed = false;
  std::string name;  ///< as Endpoint::name
  bool listening = false;
  std::size_t backlog = 0;
  struct Embryo {
    std::shared_ptr<UnixEnd> end;
    std::shared_ptr<UnixEnd> peer;
  };
  std::deque<Embryo> to_accept;
  sched::WaitQueue connecting;  ///< wait for room in that queue
  int error = 0;
  SocketOptions options;
  sched::Mutex reading;  ///< held while bytes are copied out
  sched::WaitQueue waiters;
  mm::Fragment page_fragment;  ///< where heads are copied to for a pipe
  Bytes page_used = 0;

  [[nodiscard]] bool over() const { return error != 0 || receive_shutdown; }
  /// unix_writable, while so many bytes beside the packets are counted.
  [[nodiscard]] bool writable(Bytes beside = 1) const { return (queued_memory + beside) * 4 <= send_buffer; }
  int take_error() { return std::exchange(error, 0); }
  void tell(std::uint32_t events);
  void hung_up();
  [[nodiscard]] kernel_sim::Endpoint endpoint() const { return {0, 0, AF_UNIX, name}; }
  /// A packet that this end has sent is gone.
  void released(Bytes truesize);
};

class UnixSocket final : public Socket {
 public:
  UnixSocket(std::shared_ptr<UnixEnd> end, std::shared_ptr<UnixEnd> peer, int flags)
      : Socket(flags), m_end(std::move(end)), m_peer(std::move(peer)), m_sockets(m_end->sockets) {}
  ~UnixSocket() override;

  // names and connections (unix_listen.cpp)
  /// Waits for room in the listener's queue unless non-blocking (EAGAIN). ECONNREFUSED, ENOENT, EISCONN.
  Result<void> connect(kernel_sim::Endpoint peer) override;
  /// Without a name an abstract one is chosen. EADDRINUSE, ENOENT.
  Result<void> bind(kernel_sim::Endpoint local) override;
  Result<void> listen(int backlog) override;
  Result<std::shared_ptr<Socket>> accept_connection(kernel_sim::Endpoint* peer, int flags) override;
  [[nodiscard]] kernel_sim::Endpoint local() const override { return m_end->endpoint(); }
  [[nodiscard]] Result<kernel_sim::Endpoint> peer_name() const override;

  /// MSG_DONTWAIT; MSG_MORE has no meaning.
  Result<Bytes> send(mm::UserMemory& memory, VirtAddr from, Bytes size, int flags) override;
  Result<Bytes> send_to(mm::UserMemory&, VirtAddr, Bytes, int flags, const kernel_sim::Endpoint&) override {
    return refuse(m_peer == nullptr || (flags & MSG_OOB) != 0 ? EOPNOTSUPP : EISCONN);
  }
  /// MSG_DONTWAIT, MSG_PEEK, MSG_WAITALL.
  Result<Bytes> recv(mm::UserMemory& memory, VirtAddr to, Bytes size, int flags) override;
  Result<Bytes> receive_message(mm::UserMemory& memory, VirtAddr to, Bytes size, int flags, MessageInfo& info) override;
  Result<void> shutdown(int how) override;
  Result<void> set_option(int level, int option, int value) override;
  Result<int> option(int level, int option) override;
  Result<std::uint64_t> waiting_bytes() override;
  void close() override;

  Result<Bytes> splice_read(fs::SpliceSink& sink, Bytes size, std::uint64_t* offset, unsigned splice_flags) override;
  Result<Bytes> splice_write(fs::SpliceSource& source, Bytes size, std::uint64_t* offset,
                             unsigned splice_flags) override;
  [[nodiscard]] std::int16_t poll() const override;
  sched::WaitQueue* poll_queue() override { return &m_end->waiters; }

 private:
  using Packet = UnixSockets::Packet;
  struct ReceiveFlags {
    bool non_blocking = false;
    bool peek = false;
    bool wait_all = false;
  };

  // sending
  Result<void> wait_for_room(bool non_blocking);
  Result<void> fill(Packet& packet, mm::UserMemory& memory, VirtAddr from);
  Result<Bytes> send_pages(fs::SpliceSource& source, Bytes size);
  void refer_to(Packet& packet, fs::SpliceSource& source, Bytes most);
  Result<void> deliver(Packet packet);
  void drop(Packet& packet);

  // receiving
  template <class Take>
  Result<Bytes> receive_with(Bytes size, ReceiveFlags flags, Take take);
  Result<Bytes> copy_out(const Packet& packet, Bytes size, mm::UserMemory& memory, VirtAddr to);
  Result<Bytes> hand_over(const Packet& packet, Bytes size, fs::SpliceSink& sink);
  Result<mm::Fragment> copy_of_head(PhysAddr from, Bytes most);
  static void drop_front(UnixEnd& end, UnixEnd& sender);
  void stop_listening();

  std::shared_ptr<UnixEnd> m_end;
  std::shared_ptr<UnixEnd> m_peer;  // null before it is connected
  UnixSockets& m_sockets;
};

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

/// Not connected; `flags` are those of the file.
std::shared_ptr<UnixSocket> make_unix_socket(UnixSockets& sockets, int flags);
/// `flags`: of both files.
std::pair<std::shared_ptr<UnixSocket>, std::shared_ptr<UnixSocket>> make_unix_pair(UnixSockets& sockets, int flags);

}  // namespace sluice::net
