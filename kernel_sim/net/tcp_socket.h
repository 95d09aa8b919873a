// SPDX-License-Identifier: Apache-2.0
// A TCP socket as an open file: the thin handle that descriptors refer to. The connection behind it belongs to the
// stack and lives on after close until all data are acknowledged.
//
// - Results carry Linux's error numbers. EPIPE asks the caller to raise SIGPIPE unless it passed MSG_NOSIGNAL.
// - Flags and options are Linux's own (<sys/socket.h>, <netinet/tcp.h>); O_NONBLOCK is that of File::flags.
// - Calls that wait are for tasks only.
#pragma once

#include <memory>

#include "kernel_sim/net/socket.h"

namespace sluice::net {

class Stack;
class TcpConnection;

class TcpSocket final : public Socket {
 public:
  /// Use Stack::create_socket.
  TcpSocket(Stack& stack, int flags);
  /// A connection that was accepted.
  TcpSocket(Stack& stack, int flags, std::shared_ptr<TcpConnection> connection);
  /// Closes in the background when close() was not called.
  ~TcpSocket() override;

  /// Waits for the handshake unless non-blocking (EINPROGRESS; POLLOUT and SO_ERROR tell the rest).
  /// ECONNREFUSED, ETIMEDOUT, EISCONN, EALREADY, EADDRNOTAVAIL.
  Result<void> connect(kernel_sim::Endpoint peer) override;
  Result<void> bind(kernel_sim::Endpoint local) override;
  /// EINVAL when connected, EADDRINUSE.
  Result<void> listen(int backlog) override;
  /// Waits for a connection unless non-blocking (EAGAIN). `flags`: SOCK_NONBLOCK, SOCK_CLOEXEC. EINVAL when not
  /// listening.
  Result<std::shared_ptr<TcpSocket>> accept(kernel_sim::Endpoint* peer, int flags);
  Result<std::shared_ptr<Socket>> accept_connection(kernel_sim::Endpoint* peer, int flags) override {
    return accept(peer, flags);
  }
  [[nodiscard]] kernel_sim::Endpoint local() const override;
  [[nodiscard]] kernel_sim::Endpoint peer() const;
  [[nodiscard]] Result<kernel_sim::Endpoint> peer_name() const override;

  /// MSG_MORE, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_ZEROCOPY. A short count when an error came after some bytes.
  Result<Bytes> send(mm::UserMemory& memory, VirtAddr from, Bytes size, int flags) override;
  /// MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC, MSG_WAITALL. 0 when the peer has ended. MSG_ERRQUEUE: as receive_error, whose
  /// record is lost.
  Result<Bytes> recv(mm::UserMemory& memory, VirtAddr to, Bytes size, int flags) override;
  [[nodiscard]] bool has_error_queue() const override { return true; }
  Result<kernel_sim::SocketError> receive_error() override;
  /// SHUT_RD, SHUT_WR, SHUT_RDWR.
  Result<void> shutdown(int how) override;
  /// SOL_SOCKET: SO_SNDBUF, SO_RCVBUF, SO_REUSEADDR, SO_KEEPALIVE; IPPROTO_TCP: TCP_NODELAY, TCP_CORK, TCP_QUICKACK.
  Result<void> set_option(int level, int option, int value) override;
  /// Those, and SO_ERROR (which clears it), SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ACCEPTCONN, TCP_MAXSEG. EOPNOTSUPP for
  /// a level, ENOPROTOOPT for an option that there is not.
  Result<int> option(int level, int option) override;
  Result<std::uint64_t> waiting_bytes() override;
  /// The last descriptor is gone; idempotent. Charges the caller; unsent data drain in the background.
  void close() override;

  Result<Bytes> splice_read(fs::SpliceSink& sink, Bytes size, std::uint64_t* offset, unsigned splice_flags) override;
  Result<Bytes> splice_write(fs::SpliceSource& source, Bytes size, std::uint64_t* offset,
                             unsigned splice_flags) override;
  void splice_end() override;
  [[nodiscard]] std::int16_t poll() const override;
  sched::WaitQueue* poll_queue() override;
  /// tcp_mmap: for reading alone, and without pages.
  [[nodiscard]] int mappable_protection() const override;
  std::shared_ptr<mm::MappedObject> mapped_object() override;
  [[nodiscard]] std::uint64_t mappable_end() const override { return ~std::uint64_t{0} >> 1; }

  [[nodiscard]] const TcpConnection& connection() const { return *m_connection; }

 private:
  Stack& m_stack;
  std::shared_ptr<TcpConnection> m_connection;
  bool m_closed = false;
};

}  // namespace sluice::net
