// SPDX-License-Identifier: Apache-2.0
// System calls on sockets, and poll.
#include <fcntl.h>
#include <poll.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include "kernel_sim/net/socket_options.h"
#include "kernel_sim/syscalls/calls.h"

namespace sluice::syscalls {

using fmt::format;
using SystemCallsValue = kernel_sim::SystemCalls::Value;

Result<std::shared_ptr<net::Socket>> SimulatedSystemCalls::socket_of(int fd) const {
  const Result<FilePointer> found = file(fd);
  if (!found) return tl::unexpected{found.error()};
  auto socket = std::dynamic_pointer_cast<net::Socket>(*found);
  if (socket == nullptr) return base::refuse(ENOTSOCK);
  return socket;
}

namespace {

constexpr int kTypes = 11;       // SOCK_MAX
constexpr int kProtocols = 263;  // IPPROTO_MAX
constexpr int kTypeMask = 0xF;
constexpr int kTypeFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;

/// inet_create: a protocol goes with one type.
Result<void> check_inet(int type, int protocol) {
  if (type < 0 || type >= kTypes || protocol < 0 || protocol >= kProtocols) return base::refuse(EINVAL);
  if (type != SOCK_STREAM && type != SOCK_DGRAM) return base::refuse(ESOCKTNOSUPPORT);
  const int own = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
  if (protocol != 0 && protocol != own) return base::refuse(EPROTONOSUPPORT);
  return {};
}

}  // namespace

SystemCallsValue SimulatedSystemCalls::socket(int domain, int type, int protocol) {
  return call(
      Call::Socket, [&] { return socket_arguments(domain, type, protocol); },
      [&]() -> Result<Value> {
        if ((type & ~kTypeMask & ~kTypeFlags) != 0) return base::refuse(EINVAL);
        if (domain == AF_UNIX) return unix_socket(type, protocol);
        if (domain != AF_INET) return base::refuse(EAFNOSUPPORT);
        const int kind = type & kTypeMask;
        if (const auto checked = check_inet(kind, protocol); !checked) return tl::unexpected{checked.error()};
        auto created = services().create_socket(kind, O_RDWR | (type & SOCK_NONBLOCK));
        if (!created) return tl::unexpected{created.error()};
        return install(std::move(*created), (type & SOCK_CLOEXEC) != 0);
      });
}

namespace {

/// unix_create; there are streams here.
Result<void> check_unix(int type, int protocol) {
  if (type < 0 || type >= kTypes) return base::refuse(EINVAL);
  if (protocol != 0 && protocol != PF_UNIX) return base::refuse(EPROTONOSUPPORT);
  if (type != SOCK_STREAM) return base::refuse(ESOCKTNOSUPPORT);
  return {};
}

/// What sock_create and the family's socketpair answer.
Result<void> check_pair(int domain, int type, int protocol) {
  if (domain != AF_UNIX && domain != AF_INET && domain != AF_INET6) return base::refuse(EAFNOSUPPORT);
  if (domain != AF_UNIX) return base::refuse(type < 0 || type >= kTypes ? EINVAL : EOPNOTSUPP);
  return check_unix(type, protocol);
}

}  // namespace

Result<SystemCallsValue> SimulatedSystemCalls::unix_socket(int type, int protocol) {
  if (const auto checked = check_unix(type & kTypeMask, protocol); !checked) return tl::unexpected{checked.error()};
  return install(services().create_unix_socket(O_RDWR | (type & SOCK_NONBLOCK)), (type & SOCK_CLOEXEC) != 0);
}

SystemCallsValue SimulatedSystemCalls::socketpair(int domain, int type, int protocol, int fds[2]) {
  return call(
      Call::Socketpair,
      [&] { return format("{}, [{}, {}]", socket_arguments(domain, type, protocol), fds[0], fds[1]); },
      [&]() -> Result<Value> {
        if ((type & ~kTypeMask & ~kTypeFlags) != 0) return base::refuse(EINVAL);
        if (const Result<void> room = m_process.files.has_room(2); !room) return tl::unexpected{room.error()};
        if (const auto checked = check_pair(domain, type & kTypeMask, protocol); !checked)
          return tl::unexpected{checked.error()};
        auto [first, second] = services().create_socket_pair(O_RDWR | (type & SOCK_NONBLOCK));
        return install_two(std::move(first), std::move(second), (type & SOCK_CLOEXEC) != 0, fds);
      });
}

SystemCallsValue SimulatedSystemCalls::connect(int fd, Endpoint peer) {
  return call(
      Call::Connect, [&] { return format("{}, {}", fd, endpoint(peer)); },
      [&]() -> Result<void> {
        const auto found = socket_of(fd);
        if (!found) return tl::unexpected{found.error()};
        return (*found)->connect(peer);
      });
}

SystemCallsValue SimulatedSystemCalls::bind(int fd, Endpoint local) {
  return call(
      Call::Bind, [&] { return format("{}, {}", fd, endpoint(local)); },
      [&]() -> Result<void> {
        const auto found = socket_of(fd);
        if (!found) return tl::unexpected{found.error()};
        return (*found)->bind(local);
      });
}

SystemCallsValue SimulatedSystemCalls::listen(int fd, int backlog) {
  return call(
      Call::Listen, [&] { return format("{}, {}", fd, backlog); },
      [&]() -> Result<void> {
        const auto found = socket_of(fd);
        if (!found) return tl::unexpected{found.error()};
        return (*found)->listen(backlog);
      });
}

SystemCallsValue SimulatedSystemCalls::accept(int fd, Endpoint* peer, int flags) {
  return call(
      Call::Accept, [&] { return format("{}, {}, {:#x}", fd, peer == nullptr ? "NULL" : endpoint(*peer), flags); },
      [&]() -> Result<Value> {
        const auto found = socket_of(fd);
        if (!found) return tl::unexpected{found.error()};
        auto accepted = (*found)->accept_connection(peer, flags);
        if (!accepted) return tl::unexpected{accepted.error()};
        return install(std::move(*accepted), (flags & SOCK_CLOEXEC) != 0);
      });
}

SystemCallsValue SimulatedSystemCalls::getsockname(int fd, Endpoint& local) {
  return call(
      Call::Getsockname, [&] { return format("{}, {}", fd, endpoint(local)); },
      [&]() -> Result<void> {
        const auto found = socket_of(fd);
        if (!found) return tl::unexpected{found.error()};
        local = (*found)->local();
        return {};
      });
}

SystemCallsValue SimulatedSystemCalls::getpeername(int fd, Endpoint& peer) {
  return call(
      Call::Getpeername, [&] { return format("{}, {}", fd, endpoint(peer)); },
      [&]() -> Result<void> {
        const auto found = socket_of(fd);
        if (!found) return tl::unexpected{found.error()};
        const auto name = (*found)->peer_name();
        if (!name) return tl::unexpected{name.error()};
        peer = *name;
        return {};
      });
}

SystemCallsValue SimulatedSystemCalls::setsockopt(int fd, int level, int option, int value) {
  return call(
      Call::Setsockopt, [&] { return format("{}, {}, [{}], 4", fd, net::socket_option_name(level, option), value); },
      [&]() -> Result<void> {
        const auto found = socket_of(fd);
        if (!found) return tl::unexpected{found.error()};
        return (*found)->set_option(level, option, value);
      });
}

SystemCallsValue SimulatedSystemCalls::getsockopt(int fd, int level, int option, int& value) {
  return call(
      Call::Getsockopt, [&] { return format("{}, {}, [{}], [4]", fd, net::socket_option_name(level, option), value); },
      [&]() -> Result<void> {
        const auto found = socket_of(fd);
        if (!found) return tl::unexpected{found.error()};
        const Result<int> answer = (*found)->option(level, option);
        if (!answer) return tl::unexpected{answer.error()};
        value = *answer;
        return {};
      });
}

Result<Bytes> SimulatedSystemCalls::send_message(int fd, UserAddress buffer, std::uint64_t size, int flags,
                                                 const Endpoint* to) {
  size = std::min(size, kMaxReadWrite);
  if (const auto checked = check_buffer(buffer, size); !checked) return tl::unexpected{checked.error()};
  const auto found = socket_of(fd);
  if (!found) return tl::unexpected{found.error()};
  return send_through(**found, memory(), address_of(buffer), size, flags, to);
}

Result<Bytes> SimulatedSystemCalls::send_through(net::Socket& socket, mm::UserMemory& from, VirtAddr at, Bytes size,
                                                 int flags, const Endpoint* to) {
  const auto sent = to != nullptr ? socket.send_to(from, at, size, flags, *to) : socket.send(from, at, size, flags);
  return (flags & MSG_NOSIGNAL) != 0 ? sent : or_broken_pipe(sent);
}

Result<Bytes> SimulatedSystemCalls::receive_message(int fd, UserAddress buffer, std::uint64_t size, int flags,
                                                    net::MessageInfo& info) {
  size = std::min(size, kMaxReadWrite);
  if (const auto checked = check_buffer(buffer, size); !checked) return tl::unexpected{checked.error()};
  const auto found = socket_of(fd);
  if (!found) return tl::unexpected{found.error()};
  return (*found)->receive_message(memory(), address_of(buffer), size, flags, info);
}

SystemCallsValue SimulatedSystemCalls::send(int fd, UserAddress buffer, std::uint64_t size, int flags) {
  return call(
      Call::Send, [&] { return format("{}, {}, {}, {}", fd, address(buffer), size, message_flags(flags)); },
      [&] { return send_message(fd, buffer, size, flags, nullptr); });
}

SystemCallsValue SimulatedSystemCalls::sendto(int fd, UserAddress buffer, std::uint64_t size, int flags,
                                              const Endpoint* to) {
  return call(
      Call::Sendto,
      [&] {
        return format("{}, {}, {}, {}, {}", fd, address(buffer), size, message_flags(flags), optional_endpoint(to));
      },
      [&] { return send_message(fd, buffer, size, flags, to); });
}

SystemCallsValue SimulatedSystemCalls::recv(int fd, UserAddress buffer, std::uint64_t size, int flags) {
  return call(
      Call::Recv, [&] { return format("{}, {}, {}, {}", fd, address(buffer), size, message_flags(flags)); },
      [&] {
        net::MessageInfo info;
        return receive_message(fd, buffer, size, flags, info);
      });
}

SystemCallsValue SimulatedSystemCalls::recvfrom(int fd, UserAddress buffer, std::uint64_t size, int flags,
                                                Endpoint* from) {
  net::MessageInfo info;
  const Value value = call(
      Call::Recvfrom,
      [&] {
        return format("{}, {}, {}, {}, {}", fd, address(buffer), size, message_flags(flags),
                      optional_endpoint(from != nullptr ? &info.from : nullptr));
      },
      [&] { return receive_message(fd, buffer, size, flags, info); });
  if (from != nullptr) *from = value >= 0 ? info.from : kernel_sim::kNowhere;
  return value;
}

SystemCallsValue SimulatedSystemCalls::shutdown(int fd, int how) {
  return call(
      Call::Shutdown, [&] { return format("{}, {}", fd, shutdown_how(how)); },
      [&]() -> Result<void> {
        const auto found = socket_of(fd);
        if (!found) return tl::unexpected{found.error()};
        return (*found)->shutdown(how);
      });
}

// --- poll ------------------------------------------------------------------------------------------------------------

SystemCallsValue SimulatedSystemCalls::poll(std::span<kernel_sim::PollEntry> entries, int timeout_ms) {
  return call(
      Call::Poll, [&] { return format("{}, {}, {}", poll_entries(entries), entries.size(), timeout_ms); },
      [&]() -> Result<Value> {
        if (entries.size() > m_table.config().max_files) return base::refuse(EINVAL);
        return poll_until(entries, timeout_ms);
      });
}

/// How many entries are ready; the queues of those that are not.
int SimulatedSystemCalls::poll_once(std::span<kernel_sim::PollEntry> entries, std::vector<sched::WaitQueue*>& queues) {
  int ready = 0;
  queues.clear();
  for (kernel_sim::PollEntry& entry : entries) {
    entry.returned = 0;
    if (entry.fd < 0) continue;
    const Result<FilePointer> found = file(entry.fd);
    if (!found) {
      entry.returned = POLLNVAL;
    } else {
      entry.returned = static_cast<std::int16_t>((*found)->poll() & (entry.events | POLLERR | POLLHUP));
      if (sched::WaitQueue* queue = (*found)->poll_queue(); queue != nullptr) queues.push_back(queue);
    }
    if (entry.returned != 0) ++ready;
  }
  return ready;
}

Result<SystemCallsValue> SimulatedSystemCalls::poll_until(std::span<kernel_sim::PollEntry> entries, int timeout_ms) {
  hal::Cpu& cpu = services().machine.cpu;
  const Picoseconds end = cpu.now() + 1_ms * static_cast<std::uint64_t>(std::max(timeout_ms, 0));
  std::vector<sched::WaitQueue*> queues;
  std::vector<FilePointer> held;  // a queue must outlive its waiters, even if the descriptor is closed meanwhile
  for (const kernel_sim::PollEntry& entry : entries) {
    if (const auto found = file(entry.fd)) held.push_back(*found);
  }
  for (;;) {
    cpu.execute(m_table.config().poll_entry * entries.size(), hal::Work::SystemCall);
    if (const int ready = poll_once(entries, queues); ready > 0 || timeout_ms == 0) return ready;
    if (services().scheduler.interrupted()) return base::refuse(EINTR);
    if (timeout_ms < 0) {
      services().scheduler.wait_any(queues, "one of several descriptors (poll)");
      continue;
    }
    const Picoseconds now = cpu.now();
    if (now >= end) return 0;
    services().scheduler.wait_any(queues, "one of several descriptors (poll)", end - now);
  }
}

}  // namespace sluice::syscalls
