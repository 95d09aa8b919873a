// SPDX-License-Identifier: Apache-2.0
// A UDP socket as an open file.
//
// - A call sends or takes one datagram; with MSG_MORE or UDP_CORK several calls make one.
// - Sending never waits: over loopback a datagram has left the sender when the call returns. One that finds no room at
//   the receiver is lost without a word.
#pragma once

#include <memory>

#include "kernel_sim/net/socket.h"
#include "kernel_sim/net/udp.h"

namespace sluice::net {

class UdpSocket final : public Socket {
 public:
  /// Use Udp::create_socket.
  UdpSocket(Stack& stack, int flags);
  ~UdpSocket() override;

  /// From now on datagrams come from `peer` alone, and go to it; AF_UNSPEC ends that. EAFNOSUPPORT, ENETUNREACH.
  Result<void> connect(kernel_sim::Endpoint peer) override;
  Result<void> bind(kernel_sim::Endpoint local) override;
  Result<void> listen(int) override { return refuse(EOPNOTSUPP); }
  Result<std::shared_ptr<Socket>> accept_connection(kernel_sim::Endpoint*, int) override { return refuse(EOPNOTSUPP); }
  [[nodiscard]] kernel_sim::Endpoint local() const override { return m_end->local; }
  [[nodiscard]] Result<kernel_sim::Endpoint> peer_name() const override;

  Result<Bytes> send(mm::UserMemory& memory, VirtAddr from, Bytes size, int flags) override;
  Result<Bytes> send_to(mm::UserMemory& memory, VirtAddr from, Bytes size, int flags,
                        const kernel_sim::Endpoint& to) override;
  Result<Bytes> recv(mm::UserMemory& memory, VirtAddr to, Bytes size, int flags) override;
  Result<Bytes> receive_message(mm::UserMemory& memory, VirtAddr to, Bytes size, int flags, MessageInfo& info) override;
  [[nodiscard]] bool has_error_queue() const override { return true; }
  Result<void> shutdown(int how) override;
  Result<void> set_option(int level, int option, int value) override;
  Result<int> option(int level, int option) override;
  /// Of the first datagram.
  Result<std::uint64_t> waiting_bytes() override;
  void close() override;

  /// Copies, for UDP has no splice_read of its own: a datagram that is longer than what is asked for is cut.
  Result<Bytes> splice_read(fs::SpliceSink& sink, Bytes size, std::uint64_t* offset, unsigned splice_flags) override;
  Result<Bytes> splice_write(fs::SpliceSource& source, Bytes size, std::uint64_t* offset,
                             unsigned splice_flags) override;
  void splice_end() override;
  [[nodiscard]] std::int16_t poll() const override;
  sched::WaitQueue* poll_queue() override { return &m_end->waiters; }

  /// Datagrams that wait to be read, and the memory that is accounted for them.
  [[nodiscard]] const DatagramQueue& received() const { return m_end->received; }

 private:
  /// A datagram that is being put together.
  struct Outgoing {
    Skb* skb = nullptr;
    kernel_sim::Endpoint to;
  };

  // sending
  template <class Source>
  Result<Bytes> send_from(Source& source, Bytes size, int flags, const kernel_sim::Endpoint* to);
  template <class Source>
  Result<void> append(Outgoing& datagram, Source& source, Bytes size);
  Result<void> begin(Outgoing& datagram);
  void finish(Outgoing& datagram);
  void drop(Outgoing& datagram);
  Result<kernel_sim::Endpoint> destination(const kernel_sim::Endpoint* to) const;
  Result<void> autobind();
  [[nodiscard]] bool writable() const;
  Result<void> set_cork(bool on);
  struct UserBytes;
  struct PipePages;

  // receiving
  Result<Skb*> take_datagram(bool peek, bool no_wait);
  void let_go(Skb& skb);
  Result<void> end_connection();

  Stack& m_stack;
  Udp& m_udp;
  std::shared_ptr<UdpEnd> m_end;
  sched::Mutex m_corking;  // held by calls that add to what is corked
  /// `to` is the socket's flow (inet->cork.fl), which connect and the first call of what is corked set: what is sent
  /// without an address goes there.
  Outgoing m_corked;
  bool m_cork_option = false;
  Bytes m_send_buffer;
  int m_low_mark = 1;  // kept for getsockopt: a datagram is never waited for in parts
};

}  // namespace sluice::net
