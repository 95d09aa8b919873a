// SPDX-License-Identifier: Apache-2.0
// Names of AF_UNIX sockets, and how two of them become connected (unix_bind, unix_stream_connect, unix_accept).
#include <algorithm>
#include <fcntl.h>

#include <fmt/format.h>
#include <sys/socket.h>

#include "kernel_sim/net/unix_socket.h"

namespace sluice::net {

namespace {
constexpr unsigned kMostWaiting = 4096;  // net.core.somaxconn
constexpr int kNodeMode = 0777;
}  // namespace

// --- names -----------------------------------------------------------------------------------------------------------

base::Result<void> UnixNames::add(const std::string& name, const std::shared_ptr<UnixEnd>& end) {
  if (abstract(name)) {
    if (const auto found = m_ends.find(name); found != m_ends.end() && !found->second.expired())
      return refuse(EADDRINUSE);
    m_ends[name] = end;
    return {};
  }
  if (!m_nodes.make) return refuse(EOPNOTSUPP);
  const auto node = m_nodes.make(name, kNodeMode);
  if (!node) return refuse(node.error().value == EEXIST ? EADDRINUSE : node.error().value);
  m_ends[*node] = end;
  return {};
}

void UnixNames::take_back(const std::string& path) {
  if (const auto node = m_nodes.find(path)) m_ends.erase(*node);
  static_cast<void>(m_nodes.unlink(path));
}

void UnixNames::remove(const UnixEnd& end) {
  if (end.name.empty()) return;
  std::erase_if(m_ends, [&](const auto& entry) { return entry.second.lock().get() == &end; });
}

base::Result<std::shared_ptr<UnixEnd>> UnixNames::find(const std::string& name) const {
  std::string key = name;
  if (!abstract(name)) {
    if (!m_nodes.find) return refuse(ENOENT);
    const auto node = m_nodes.find(name);
    if (!node) return tl::unexpected{node.error()};
    key = *node;
  }
  const auto found = m_ends.find(key);
  auto end = found == m_ends.end() ? nullptr : found->second.lock();
  if (end == nullptr) return refuse(ECONNREFUSED);
  return end;
}

std::string UnixNames::choose() {
  std::string name;
  do name = std::string(1, '\0') + fmt::format("{:05x}", m_next++);
  while (m_ends.contains(name));
  return name;
}

/// unix_autobind, unix_bind_abstract, unix_bind_bsd, of which the last makes a node before it looks at the socket.
Result<void> UnixSocket::bind(kernel_sim::Endpoint local) {
  if (local.family != AF_UNIX) return refuse(EINVAL);
  const bool has_name = !m_end->name.empty();
  if (has_name && local.name.empty()) return {};
  const std::string name = local.name.empty() ? m_sockets.names.choose() : local.name;
  if (has_name && UnixNames::abstract(name)) return refuse(EINVAL);
  if (const auto added = m_sockets.names.add(name, m_end); !added) return added;
  if (has_name) {
    m_sockets.names.take_back(name);
    return refuse(EINVAL);
  }
  m_end->name = name;
  return {};
}

Result<kernel_sim::Endpoint> UnixSocket::peer_name() const {
  if (m_peer == nullptr) return refuse(ENOTCONN);
  return m_peer->endpoint();
}

// --- connections -----------------------------------------------------------------------------------------------------

std::shared_ptr<UnixSocket> make_unix_socket(UnixSockets& sockets, int flags) {
  sockets.spend(sockets.config.socket_create, hal::Work::SocketCall);
  auto end = std::make_shared<UnixEnd>(sockets, sockets.config.unix_buffer);
  return std::make_shared<UnixSocket>(std::move(end), nullptr, flags);
}

Result<void> UnixSocket::listen(int backlog) {
  if (m_peer != nullptr || m_end->name.empty()) return refuse(EINVAL);
  m_end->listening = true;
  m_end->backlog = std::min(static_cast<unsigned>(backlog), kMostWaiting);
  m_sockets.scheduler.wake_all(m_end->connecting);
  return {};
}

/// The listener's side of the connection is there at once, so that bytes can be sent before it is accepted.
Result<void> UnixSocket::connect(kernel_sim::Endpoint peer) {
  if (peer.family != AF_UNIX || peer.name.empty()) return refuse(EINVAL);
  m_sockets.spend(m_sockets.config.socket_create, hal::Work::SocketCall);
  std::shared_ptr<UnixEnd> listener;
  for (;;) {
    const auto found = m_sockets.names.find(peer.name);
    if (!found) return tl::unexpected{found.error()};
    listener = *found;
    if (!listener->listening || listener->receive_shutdown) return refuse(ECONNREFUSED);
    if (listener->to_accept.size() <= listener->backlog) break;
    if (non_blocking()) return refuse(EAGAIN);
    if (m_sockets.scheduler.interrupted()) return refuse(EINTR);
    m_sockets.scheduler.wait(listener->connecting, "room in a listener's queue");
  }
  if (m_end->listening) return refuse(EINVAL);
  if (m_peer != nullptr) return refuse(EISCONN);
  m_peer = std::make_shared<UnixEnd>(m_sockets, m_sockets.config.unix_buffer);
  m_peer->name = listener->name;
  listener->to_accept.push_back({m_peer, m_end});
  listener->tell(kReadableEvents);
  return {};
}

Result<std::shared_ptr<Socket>> UnixSocket::accept_connection(kernel_sim::Endpoint* peer, int flags) {
  if ((flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != 0 || !m_end->listening) return refuse(EINVAL);
  while (m_end->to_accept.empty()) {
    if (non_blocking()) return refuse(EAGAIN);
    if (m_end->receive_shutdown) return refuse(EINVAL);
    if (m_sockets.scheduler.interrupted()) return refuse(EINTR);
    m_sockets.scheduler.wait(m_end->waiters, "a connection to accept");
  }
  const UnixEnd::Embryo embryo = std::move(m_end->to_accept.front());
  m_end->to_accept.pop_front();
  m_sockets.scheduler.wake_one(m_end->connecting);
  if (peer != nullptr) *peer = embryo.peer->endpoint();
  return std::make_shared<UnixSocket>(embryo.end, embryo.peer, O_RDWR | (flags & SOCK_NONBLOCK));
}

/// Connections that nobody accepted are reset.
void UnixSocket::stop_listening() {
  m_sockets.scheduler.wake_all(m_end->connecting);
  while (!m_end->to_accept.empty()) {
    const UnixEnd::Embryo embryo = std::move(m_end->to_accept.front());
    m_end->to_accept.pop_front();
    embryo.end->closed = true;
    embryo.peer->error = ECONNRESET;
    embryo.peer->hung_up();
    while (!embryo.end->received.empty()) drop_front(*embryo.end, *embryo.peer);
  }
}

}  // namespace sluice::net
