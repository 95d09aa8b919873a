// SPDX-License-Identifier: Apache-2.0
#include <array>
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

#include "tools/native/host_call.h"

namespace sluice::native {

using kernel_sim::Endpoint;
using kernel_sim::UserAddress;
using syscalls::Call;
using Value = SystemCalls::Value;

namespace {

sockaddr_in to_host(Endpoint endpoint) {
  sockaddr_in address{};
  address.sin_family = endpoint.family;
  address.sin_addr.s_addr = htonl(endpoint.address);
  address.sin_port = htons(endpoint.port);
  return address;
}

/// An address that a call fills in.
struct AddressRoom {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  /// A call that has none leaves a size of 0.
  [[nodiscard]] Endpoint endpoint() const {
    if (size < sizeof address.sin_family) return kernel_sim::kNowhere;
    return {ntohl(address.sin_addr.s_addr), ntohs(address.sin_port), address.sin_family};
  }
};

}  // namespace

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
  const sockaddr_in address = to_host(peer);
  return call(Call::Connect, [&] { return raw(SYS_connect, fd, &address, sizeof address); });
}

Value HostSystemCalls::bind(int fd, Endpoint local) {
  const sockaddr_in address = to_host(local);
  return call(Call::Bind, [&] { return raw(SYS_bind, fd, &address, sizeof address); });
}

Value HostSystemCalls::listen(int fd, int backlog) {
  return call(Call::Listen, [&] { return raw(SYS_listen, fd, backlog); });
}

Value HostSystemCalls::accept(int fd, Endpoint* peer, int flags) {
  AddressRoom room;
  const Value value = call(Call::Accept, [&] { return raw(SYS_accept4, fd, &room.address, &room.size, flags); });
  if (value >= 0 && peer != nullptr) *peer = room.endpoint();
  return value;
}

Value HostSystemCalls::getsockname(int fd, Endpoint& local) {
  AddressRoom room;
  const Value value = call(Call::Getsockname, [&] { return raw(SYS_getsockname, fd, &room.address, &room.size); });
  if (value >= 0) local = room.endpoint();
  return value;
}

Value HostSystemCalls::getpeername(int fd, Endpoint& peer) {
  AddressRoom room;
  const Value value = call(Call::Getpeername, [&] { return raw(SYS_getpeername, fd, &room.address, &room.size); });
  if (value >= 0) peer = room.endpoint();
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
  const sockaddr_in address = to != nullptr ? to_host(*to) : sockaddr_in{};
  return call(Call::Sendto, [&] {
    return raw(SYS_sendto, fd, buffer, size, flags, to != nullptr ? &address : nullptr,
               to != nullptr ? sizeof address : 0);
  });
}

Value HostSystemCalls::recvfrom(int fd, UserAddress buffer, std::uint64_t size, int flags, Endpoint* from) {
  AddressRoom room;
  const Value value =
      call(Call::Recvfrom, [&] { return raw(SYS_recvfrom, fd, buffer, size, flags, &room.address, &room.size); });
  if (from != nullptr) *from = value >= 0 ? room.endpoint() : kernel_sim::kNowhere;
  return value;
}

Value HostSystemCalls::sendmsg(int fd, std::span<const kernel_sim::IoVector> vectors, int flags, const Endpoint* to) {
  std::vector<iovec> list = to_host(vectors);
  sockaddr_in address = to != nullptr ? to_host(*to) : sockaddr_in{};
  msghdr message{};
  if (to != nullptr) {
    message.msg_name = &address;
    message.msg_namelen = sizeof address;
  }
  message.msg_iov = list.data();
  message.msg_iovlen = list.size();
  return call(Call::Sendmsg, [&] { return raw(SYS_sendmsg, fd, &message, flags); });
}

Value HostSystemCalls::recvmsg(int fd, std::span<const kernel_sim::IoVector> vectors, int flags,
                               kernel_sim::MessageFlags& message_flags, std::optional<kernel_sim::SocketError>& error,
                               Endpoint* from) {
  AddressRoom room;
  std::vector<iovec> list = to_host(vectors);
  alignas(cmsghdr) std::array<std::byte, 256> control{};
  msghdr message{};
  message.msg_name = &room.address;
  message.msg_namelen = room.size;
  message.msg_iov = list.data();
  message.msg_iovlen = list.size();
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const Value value = call(Call::Recvmsg, [&] { return raw(SYS_recvmsg, fd, &message, flags); });
  if (value < 0) return value;
  message_flags.value = message.msg_flags;
  room.size = message.msg_namelen;
  if (from != nullptr) *from = room.endpoint();
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
