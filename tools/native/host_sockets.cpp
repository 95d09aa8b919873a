// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <poll.h>
#include <vector>

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "tools/native/host_call.h"

namespace sluice::native {

using kernel_sim::Endpoint;
using kernel_sim::UserAddress;
using syscalls::Call;
using Value = SystemCalls::Value;

/// An address as a call takes it, or room for one that it fills in.
struct HostSystemCalls::HostAddress {
  sockaddr_storage bytes{};
  socklen_t size = sizeof bytes;
};

HostSystemCalls::HostAddress HostSystemCalls::host_address(const Endpoint& endpoint) const {
  HostAddress address;
  if (endpoint.family == AF_UNIX) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const bool abstract = !endpoint.name.empty() && endpoint.name.front() == '\0';
    std::string text = endpoint.name;
    if (abstract) {
      text.insert(1, m_options.root.string());
    } else if (!text.empty()) {
      text = host_path(text);
    }
    const std::size_t size = std::min(text.size(), sizeof name.sun_path - 1);
    std::memcpy(name.sun_path, text.data(), size);
    std::memcpy(&address.bytes, &name, sizeof name);
    address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size + (text.empty() || abstract ? 0 : 1));
    return address;
  }
  sockaddr_in inet{};
  inet.sin_family = endpoint.family;
  inet.sin_addr.s_addr = htonl(endpoint.address);
  inet.sin_port = htons(endpoint.port);
  std::memcpy(&address.bytes, &inet, sizeof inet);
  address.size = sizeof inet;
  return address;
}

/// A call that has no address leaves a size of 0.
Endpoint HostSystemCalls::program_address(const HostAddress& address) const {
  if (address.size < sizeof(sa_family_t)) return kernel_sim::kNowhere;
  if (address.bytes.ss_family != AF_UNIX) {
    sockaddr_in inet{};
    std::memcpy(&inet, &address.bytes, sizeof inet);
    return {ntohl(inet.sin_addr.s_addr), ntohs(inet.sin_port), inet.sin_family};
  }
  sockaddr_un name{};
  std::memcpy(&name, &address.bytes, sizeof name);
  std::string text{name.sun_path, address.size - offsetof(sockaddr_un, sun_path)};
  const bool abstract = !text.empty() && text.front() == '\0';
  if (!abstract) text.resize(std::min(text.size(), text.find('\0')));
  const std::string root = m_options.root.string();
  const std::size_t at = abstract ? 1 : 0;
  if (!root.empty() && text.compare(at, root.size(), root) == 0) text.erase(at, root.size() + (abstract ? 0 : 1));
  return {0, 0, AF_UNIX, text};
}

Value HostSystemCalls::socket(int domain, int type, int protocol) {
  return call(Call::Socket, [&] {
    const Value fd = raw(SYS_socket, domain, type, protocol);
    const std::string& name = m_options.congestion_control;
    if (fd >= 0 && !name.empty()) raw(SYS_setsockopt, fd, IPPROTO_TCP, TCP_CONGESTION, name.c_str(), name.size());
    return fd;
  });
}

Value HostSystemCalls::socketpair(int domain, int type, int protocol, int fds[2]) {
  return call(Call::Socketpair, [&] { return raw(SYS_socketpair, domain, type, protocol, fds); });
}

Value HostSystemCalls::connect(int fd, Endpoint peer) {
  const HostAddress address = host_address(peer);
  return call(Call::Connect, [&] { return raw(SYS_connect, fd, &address.bytes, address.size); });
}

Value HostSystemCalls::bind(int fd, Endpoint local) {
  const HostAddress address = host_address(local);
  return call(Call::Bind, [&] { return raw(SYS_bind, fd, &address.bytes, address.size); });
}

Value HostSystemCalls::listen(int fd, int backlog) {
  return call(Call::Listen, [&] { return raw(SYS_listen, fd, backlog); });
}

Value HostSystemCalls::accept(int fd, Endpoint* peer, int flags) {
  HostAddress room;
  const Value value = call(Call::Accept, [&] { return raw(SYS_accept4, fd, &room.bytes, &room.size, flags); });
  if (value >= 0 && peer != nullptr) *peer = program_address(room);
  return value;
}

Value HostSystemCalls::getsockname(int fd, Endpoint& local) {
  HostAddress room;
  const Value value = call(Call::Getsockname, [&] { return raw(SYS_getsockname, fd, &room.bytes, &room.size); });
  if (value >= 0) local = program_address(room);
  return value;
}

Value HostSystemCalls::getpeername(int fd, Endpoint& peer) {
  HostAddress room;
  const Value value = call(Call::Getpeername, [&] { return raw(SYS_getpeername, fd, &room.bytes, &room.size); });
  if (value >= 0) peer = program_address(room);
  return value;
}

Value HostSystemCalls::setsockopt(int fd, int level, int option, int value) {
  return call(Call::Setsockopt, [&] { return raw(SYS_setsockopt, fd, level, option, &value, sizeof value); });
}

Value HostSystemCalls::getsockopt(int fd, int level, int option, int& value) {
  socklen_t size = sizeof value;
  return call(Call::Getsockopt, [&] { return raw(SYS_getsockopt, fd, level, option, &value, &size); });
}

Value HostSystemCalls::send(int fd, UserAddress buffer, std::uint64_t size, int flags) {
  return call(Call::Send, [&] { return raw(SYS_sendto, fd, buffer, size, flags, nullptr, 0); });
}

Value HostSystemCalls::recv(int fd, UserAddress buffer, std::uint64_t size, int flags) {
  return call(Call::Recv, [&] { return raw(SYS_recvfrom, fd, buffer, size, flags, nullptr, nullptr); });
}

Value HostSystemCalls::sendto(int fd, UserAddress buffer, std::uint64_t size, int flags, const Endpoint* to) {
  const HostAddress address = to != nullptr ? host_address(*to) : HostAddress{};
  return call(Call::Sendto, [&] {
    return raw(SYS_sendto, fd, buffer, size, flags, to != nullptr ? &address.bytes : nullptr,
               to != nullptr ? address.size : 0);
  });
}

Value HostSystemCalls::recvfrom(int fd, UserAddress buffer, std::uint64_t size, int flags, Endpoint* from) {
  HostAddress room;
  const Value value =
      call(Call::Recvfrom, [&] { return raw(SYS_recvfrom, fd, buffer, size, flags, &room.bytes, &room.size); });
  if (from != nullptr) *from = value >= 0 ? program_address(room) : kernel_sim::kNowhere;
  return value;
}

Value HostSystemCalls::sendmsg(int fd, std::span<const kernel_sim::IoVector> vectors, int flags, const Endpoint* to) {
  std::vector<iovec> list = to_host(vectors);
  HostAddress address = to != nullptr ? host_address(*to) : HostAddress{};
  msghdr message{};
  if (to != nullptr) {
    message.msg_name = &address.bytes;
    message.msg_namelen = address.size;
  }
  message.msg_iov = list.data();
  message.msg_iovlen = list.size();
  return call(Call::Sendmsg, [&] { return raw(SYS_sendmsg, fd, &message, flags); });
}

Value HostSystemCalls::recvmsg(int fd, std::span<const kernel_sim::IoVector> vectors, int flags,
                               kernel_sim::MessageFlags& message_flags, std::optional<kernel_sim::SocketError>& error,
                               Endpoint* from) {
  HostAddress room;
  std::vector<iovec> list = to_host(vectors);
  alignas(cmsghdr) std::array<std::byte, 256> control{};
  msghdr message{};
  message.msg_name = &room.bytes;
  message.msg_namelen = room.size;
  message.msg_iov = list.data();
  message.msg_iovlen = list.size();
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const Value value = call(Call::Recvmsg, [&] { return raw(SYS_recvmsg, fd, &message, flags); });
  if (value < 0) return value;
  message_flags.value = message.msg_flags;
  room.size = message.msg_namelen;
  if (from != nullptr) *from = program_address(room);
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != IPPROTO_IP || part->cmsg_type != IP_RECVERR) continue;
    sock_extended_err told{};
    std::memcpy(&told, CMSG_DATA(part), sizeof told);
    error = kernel_sim::SocketError{.error = told.ee_errno,
                                    .origin = told.ee_origin,
                                    .type = told.ee_type,
                                    .code = told.ee_code,
                                    .info = told.ee_info,
                                    .data = told.ee_data};
  }
  return value;
}

Value HostSystemCalls::shutdown(int fd, int how) {
  return call(Call::Shutdown, [&] { return raw(SYS_shutdown, fd, how); });
}

Value HostSystemCalls::poll(std::span<kernel_sim::PollEntry> entries, int timeout_ms) {
  std::vector<pollfd> wanted;
  for (const auto& entry : entries) wanted.push_back({entry.fd, entry.events, 0});
  timespec timeout{timeout_ms / 1000, timeout_ms % 1000 * 1'000'000L};
  timespec* until = timeout_ms < 0 ? nullptr : &timeout;  // null waits for ever
  const Value value = call(Call::Poll, [&] { return raw(SYS_ppoll, wanted.data(), wanted.size(), until, nullptr, 0); });
  if (value >= 0) {
    for (std::size_t i = 0; i < entries.size(); ++i) entries[i].returned = wanted[i].revents;
  }
  return value;
}

}  // namespace sluice::native
