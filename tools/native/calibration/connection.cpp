// SPDX-License-Identifier: Apache-2.0
#include "tools/native/calibration/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace sluice::calibration {
namespace {

constexpr std::uint32_t kLoopback = 0x7F00'0001;
/// A new connection acknowledges its first segments at once (TCP_MAX_QUICKACKS 16); what is timed comes after these.
constexpr unsigned kFirstSegments = 40;
constexpr Bytes kDiscard = 1_MiB;  // nothing is written to the buffer

}  // namespace

Connection::Connection(Session& session) : m_session(session), m_buffer(session.map_buffer(kRoom)) {
  SystemCalls& calls = session.calls;
  m_listener = static_cast<int>(session.need("socket", calls.socket(AF_INET, SOCK_STREAM, 0)));
  kernel_sim::Endpoint where{kLoopback, 0};
  session.need("bind", calls.bind(m_listener, where));
  session.need("listen", calls.listen(m_listener, 1));
  session.need("getsockname", calls.getsockname(m_listener, where));
  m_sender = static_cast<int>(session.need("socket", calls.socket(AF_INET, SOCK_STREAM, 0)));
  session.need("connect", calls.connect(m_sender, {kLoopback, where.port}));
  m_receiver = static_cast<int>(session.need("accept", calls.accept(m_listener, nullptr)));
  session.need("setsockopt", calls.setsockopt(m_sender, IPPROTO_TCP, TCP_NODELAY, 1));
  for (unsigned i = 0; i < kFirstSegments; ++i) {
    send(1);
    discard(1);
  }
}

Connection::~Connection() {
  for (const int fd : {m_sender, m_receiver, m_listener}) m_session.calls.close(fd);
  m_session.calls.munmap(m_buffer, kRoom);
}

void Connection::send(Bytes size, int flags) {
  m_session.need_all("send", m_session.calls.send(m_sender, m_buffer, size, flags), size);
}

void Connection::discard(Bytes size) {
  for (Bytes done = 0; done < size;) {
    done += static_cast<Bytes>(m_session.need("recv", m_session.calls.recv(m_receiver, m_buffer, kDiscard, MSG_TRUNC)));
  }
}

void Connection::look() { m_session.calls.recv(m_receiver, m_buffer, kDiscard, MSG_TRUNC | MSG_DONTWAIT); }

}  // namespace sluice::calibration
