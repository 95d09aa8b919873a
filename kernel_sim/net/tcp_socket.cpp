// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/tcp_socket.h"

#include <fcntl.h>
#include <utility>

#include <sys/mman.h>
#include <sys/socket.h>

#include "kernel_sim/mm/absent_pages.h"
#include "kernel_sim/net/stack.h"
#include "kernel_sim/net/tcp_connection.h"

namespace sluice::net {

TcpSocket::TcpSocket(Stack& stack, int flags)
    : Socket(flags), m_stack(stack), m_connection(std::make_shared<TcpConnection>(stack)) {}

TcpSocket::TcpSocket(Stack& stack, int flags, std::shared_ptr<TcpConnection> connection)
    : Socket(flags), m_stack(stack), m_connection(std::move(connection)) {}

TcpSocket::~TcpSocket() {
  if (!m_closed && m_connection->needs_close()) m_stack.close_later(m_connection);
}

int TcpSocket::mappable_protection() const { return PROT_READ; }

std::shared_ptr<mm::MappedObject> TcpSocket::mapped_object() { return std::make_shared<mm::AbsentPages>(); }

void TcpSocket::close() {
  if (m_closed) return;
  m_closed = true;
  m_connection->close();
}

Result<void> TcpSocket::connect(kernel_sim::Endpoint peer) {
  if (peer.family == AF_UNSPEC) return m_connection->forget_peer();
  return m_connection->connect(peer, non_blocking());
}
Result<void> TcpSocket::bind(kernel_sim::Endpoint local) {
  const bool anywhere = local.family == AF_UNSPEC && local.address == 0;
  if (const auto checked = check_inet(local); !checked && !anywhere) return checked;
  return m_connection->bind(local);
}
Result<void> TcpSocket::listen(int backlog) { return m_connection->listen(backlog); }
Result<std::shared_ptr<TcpSocket>> TcpSocket::accept(kernel_sim::Endpoint* peer, int flags) {
  if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0) return refuse(EINVAL);
  Result<std::shared_ptr<TcpConnection>> accepted = m_connection->accept(non_blocking());
  if (!accepted) return tl::unexpected{accepted.error()};
  if (peer != nullptr) *peer = (*accepted)->peer();
  const int open_flags = (flags & SOCK_NONBLOCK) != 0 ? O_RDWR | O_NONBLOCK : O_RDWR;
  return std::make_shared<TcpSocket>(m_stack, open_flags, std::move(*accepted));
}
kernel_sim::Endpoint TcpSocket::local() const { return m_connection->local(); }
kernel_sim::Endpoint TcpSocket::peer() const { return m_connection->peer(); }
Result<kernel_sim::Endpoint> TcpSocket::peer_name() const {
  if (!m_connection->connected()) return refuse(ENOTCONN);
  return m_connection->peer();
}

Result<Bytes> TcpSocket::send(mm::UserMemory& memory, VirtAddr from, Bytes size, int flags) {
  return m_connection->send(memory, from, size,
                            {.more = (flags & MSG_MORE) != 0,
                             .non_blocking = (flags & MSG_DONTWAIT) != 0 || non_blocking(),
                             .zero_copy = (flags & MSG_ZEROCOPY) != 0});
}

Result<Bytes> TcpSocket::recv(mm::UserMemory& memory, VirtAddr to, Bytes size, int flags) {
  if ((flags & MSG_ERRQUEUE) != 0) {
    const Result<kernel_sim::SocketError> record = receive_error();
    if (!record) return tl::unexpected{record.error()};
    return 0;
  }
  return m_connection->receive_to(memory, to, size,
                                  {.non_blocking = (flags & MSG_DONTWAIT) != 0 || non_blocking(),
                                   .peek = (flags & MSG_PEEK) != 0,
                                   .truncate = (flags & MSG_TRUNC) != 0,
                                   .wait_all = (flags & MSG_WAITALL) != 0});
}

Result<kernel_sim::SocketError> TcpSocket::receive_error() { return m_connection->receive_error(); }

Result<std::uint64_t> TcpSocket::waiting_bytes() {
  if (m_connection->state() == TcpConnection::State::Listen) return refuse(EINVAL);
  return m_connection->received_bytes();
}

Result<void> TcpSocket::shutdown(int how) { return m_connection->shutdown(how); }
Result<void> TcpSocket::set_option(int level, int option, int value) {
  return m_connection->set_option(level, option, value);
}
Result<int> TcpSocket::option(int level, int option) { return m_connection->option(level, option); }

Result<Bytes> TcpSocket::splice_read(fs::SpliceSink& sink, Bytes size, std::uint64_t* offset, unsigned splice_flags) {
  if (offset != nullptr) return refuse(ESPIPE);
  return m_connection->receive_pages(sink, size,
                                     {.non_blocking = (splice_flags & SPLICE_F_NONBLOCK) != 0 || non_blocking()});
}

Result<Bytes> TcpSocket::splice_write(fs::SpliceSource& source, Bytes size, std::uint64_t* offset,
                                      unsigned splice_flags) {
  if (offset != nullptr) return refuse(ESPIPE);
  return m_connection->send_pages(source, size,
                                  {.more = (splice_flags & SPLICE_F_MORE) != 0, .non_blocking = non_blocking()});
}

void TcpSocket::splice_end() { m_connection->end_of_pages(); }

std::int16_t TcpSocket::poll() const { return m_connection->poll(); }
sched::WaitQueue* TcpSocket::poll_queue() { return &m_connection->wait_queue(); }

}  // namespace sluice::net
