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

SystemCallsValue SimulatedSystemCalls::socket(int domain, int type, int protocol) {
  return call(
      Call::Socket, [&] { return socket_arguments(domain, type, protocol); },
      [&]() -> Result<Value> {
        constexpr int kTypeFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;
        if (domain != AF_INET) return base::refuse(EAFNOSUPPORT);
        if ((type & ~kTypeFlags) != SOCK_STREAM) return base::refuse(ESOCKTNOSUPPORT);
        if (protocol != 0 && protocol != IPPROTO_TCP) return base::refuse(EPROTONOSUPPORT);
        auto created = services().create_socket((type & SOCK_NONBLOCK) != 0 ? O_RDWR | O_NONBLOCK : O_RDWR);
        if (!created) return tl::unexpected{created.error()};
        return install(std::move(*created), (type & SOCK_CLOEXEC) != 0);
      });
}

namespace {

constexpr int kTypes = 11;  // SOCK_MAX

/// What sock_create and the family's socketpair answer; of AF_UNIX there are streams here.
Result<void> check_pair(int domain, int type, int protocol) {
  if (domain != AF_UNIX && domain != AF_INET && domain != AF_INET6) return base::refuse(EAFNOSUPPORT);
  if (type < 0 || type >= kTypes) return base::refuse(EINVAL);
  if (domain != AF_UNIX) return base::refuse(EOPNOTSUPP);
  if (protocol != 0 && protocol != PF_UNIX) return base::refuse(EPROTONOSUPPORT);
  if (type != SOCK_STREAM) return base::refuse(ESOCKTNOSUPPORT);
  return {};
}

}  // namespace

SystemCallsValue SimulatedSystemCalls::socketpair(int domain, int type, int protocol, int fds[2]) {
  return call(
      Call::Socketpair,
      [&] { return format("{}, [{}, {}]", socket_arguments(domain, type, protocol), fds[0], fds[1]); },
      [&]() -> Result<Value> {
        constexpr int kTypeFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;
        constexpr int kTypeMask = 0xF;
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

SystemCallsValue SimulatedSystemCalls::send(int fd, UserAddress buffer, std::uint64_t size, int flags) {
  return call(
      Call::Send, [&] { return format("{}, {}, {}, {}", fd, address(buffer), size, message_flags(flags)); },
      [&]() -> Result<Bytes> {
        size = std::min(size, kMaxReadWrite);
        if (const auto checked = check_buffer(buffer, size); !checked) return tl::unexpected{checked.error()};
        const auto found = socket_of(fd);
        if (!found) return tl::unexpected{found.error()};
        const auto sent = (*found)->send(memory(), address_of(buffer), size, flags);
        return (flags & MSG_NOSIGNAL) != 0 ? sent : or_broken_pipe(sent);
      });
}

SystemCallsValue SimulatedSystemCalls::recv(int fd, UserAddress buffer, std::uint64_t size, int flags) {
  return call(
      Call::Recv, [&] { return format("{}, {}, {}, {}", fd, address(buffer), size, message_flags(flags)); },
      [&]() -> Result<Bytes> {
        size = std::min(size, kMaxReadWrite);
        if (const auto checked = check_buffer(buffer, size); !checked) return tl::unexpected{checked.error()};
        const auto found = socket_of(fd);
        if (!found) return tl::unexpected{found.error()};
        return (*found)->recv(memory(), address_of(buffer), size, flags);
      });
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
