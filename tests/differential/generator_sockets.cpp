// SPDX-License-Identifier: Apache-2.0
// Steps on sockets, epoll instances, event counters and timers.

#include <algorithm>
#include <climits>
#include <ctime>
#include <fcntl.h>
#include <poll.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "tests/differential/program_generator.h"
#include "tests/differential/socket_steps.h"

namespace sluice::differential {

/// Little at a time: all of it fits into the buffers, so that nothing is left waiting at the sender.
void Generator::add_on_socket() {
  std::int64_t address = 0;
  std::int64_t length = 0;
  memory(address, length);
  length = std::clamp<std::int64_t>(length, 0, 6000);
  const std::int64_t socket = one_in(30) ? any_descriptor() : descriptor(Content::Socket);
  const std::int64_t silent = one_in(15) ? 0 : MSG_NOSIGNAL;
  if (one_in(6)) return add_on_address(socket);
  if (one_in(8)) return add_message(socket, address, length, silent);
  switch (below(14)) {
    case 0:
    case 1:
    case 2:
      return add(Operation::Send, {socket, address, length, silent | any_of({0, 0, MSG_DONTWAIT, MSG_ZEROCOPY})});
    case 3:
    case 4:
      return add(Operation::Recv, {socket, address, length, any_of({0, MSG_DONTWAIT, MSG_WAITALL, MSG_PEEK})});
    case 5:
      return add(Operation::Recv, {socket, address, length, any_of({MSG_TRUNC, MSG_TRUNC | MSG_PEEK, MSG_ERRQUEUE})});
    case 6:
      if (one_in(3)) {
        return add(one_in(2) ? Operation::Readv : Operation::Writev,
                   {socket, address, length / 2, address + length, length / 3});
      }
      return add(one_in(2) ? Operation::Read : Operation::Write, {socket, address, length});
    case 7:
      return add(Operation::Sendfile, {socket, descriptor(Content::File), optional_offset(), length});
    case 8:
      return add(Operation::Splice, {descriptor(Content::ReadEnd), kNoOffset, socket, kNoOffset, length,
                                     any_of({0, SPLICE_F_NONBLOCK, SPLICE_F_MOVE})});
    case 9:
      return add(Operation::Splice, {socket, one_in(20) ? 0 : kNoOffset, descriptor(Content::WriteEnd), kNoOffset,
                                     length, any_of({0, SPLICE_F_NONBLOCK})});
    case 10:
      return add(Operation::Shutdown, {socket, one_in(20) ? 7 : any_of({SHUT_RD, SHUT_WR, SHUT_WR, SHUT_RDWR})});
    case 11:
      return add(Operation::Poll, {socket, any_of({POLLIN, POLLOUT, POLLIN | POLLOUT, POLLIN | POLLRDHUP}),
                                   descriptor(Content::Socket), any_of({POLLIN, POLLOUT, POLLRDNORM | POLLWRNORM})});
    case 12:
      switch (below(4)) {
        case 0:
          return add(Operation::Connect, {socket});
        case 1:
          return add(Operation::Listen, {socket, below(3)});
        case 2:
          return add(Operation::Accept, {new_descriptor(Content::Nothing), socket});
        default:
          return add(Operation::Socket, {new_descriptor(Content::Socket)});
      }
    default:
      if (one_in(3)) return add(one_in(2) ? Operation::Fstat : Operation::WaitingBytes, {socket});
      if (one_in(3)) return add(Operation::Pread, {socket, address, length, 0});
      if (one_in(3)) return add(Operation::Fadvise, {socket, 0, 0, POSIX_FADV_NORMAL});
      if (one_in(3)) return add(Operation::Fcntl, {socket, F_GETFL, 0});
      if (socket < kSlots) m_content[static_cast<std::size_t>(socket)] = Content::Nothing;
      return add(Operation::Close, {socket});
  }
}

/// Ports, attempts to connect and options. What a listener takes in is small enough for its queue.
void Generator::add_on_address(std::int64_t socket) {
  const std::int64_t other = descriptor(Content::Socket);
  switch (below(9)) {
    case 0:
    case 1:
      return add(Operation::Bind, {socket, below(kTargets), other});
    case 2:
      return add(Operation::ConnectTo, {socket, other});
    case 3:
      return add(Operation::Listen, {socket, 4 + below(3)});
    case 4:
      return add(Operation::Socket, {new_descriptor(Content::Socket)});
    case 5:
      if (!one_in(3)) return;
      if (one_in(2)) return add(Operation::Lend, {lend_script()});
      return add(Operation::Talk, {talk_script()});
    case 6:
      return add(Operation::Getsockopt, {socket, below(kReadSocketOptions)});
    default:
      return add(Operation::Setsockopt,
                 {socket, below(kSocketOptions),
                  any_of({0, 1, 1, 2, -1, 6, 7, 88, 127, 128, 255, 256, 500, 1000, 32767, 32768, INT_MAX})});
  }
}

std::int64_t Generator::epoll_events() {
  std::int64_t events = any_of({EPOLLIN, EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT, EPOLLIN | EPOLLRDHUP, 0,
                                EPOLLRDNORM | EPOLLPRI, EPOLLWRNORM, EPOLLRDHUP});
  if (one_in(2)) events |= std::int64_t{EPOLLET};
  if (one_in(6)) events |= EPOLLONESHOT;
  if (one_in(12)) events |= EPOLLEXCLUSIVE;
  if (one_in(30)) events |= EPOLLWAKEUP;
  return events;
}

/// What is watched are pipes and sockets, and other instances; now and then what cannot be.
void Generator::add_on_epoll() {
  const auto watched = [this] {
    if (one_in(12)) return any_descriptor();
    if (m_sockets && one_in(2)) return descriptor(Content::Socket);
    if (m_unix && one_in(2)) return descriptor(Content::UnixSocket);
    if (m_datagrams && one_in(2)) return descriptor(Content::Datagram);
    if (m_counters && one_in(3)) return descriptor(one_in(3) ? Content::Timer : Content::Counter);
    return descriptor(one_in(6) ? Content::Epoll : one_in(2) ? Content::ReadEnd : Content::WriteEnd);
  };
  const std::int64_t instance = descriptor(Content::Epoll);
  switch (below(10)) {
    case 0:
      return add(Operation::EpollCreate, {new_descriptor(Content::Epoll), one_in(8) ? O_NONBLOCK : O_CLOEXEC});
    case 1:
    case 2:
    case 3:
      return add(Operation::EpollControl, {instance, EPOLL_CTL_ADD, watched(), epoll_events(), below(1000)});
    case 4:
      return add(Operation::EpollControl, {instance, EPOLL_CTL_MOD, watched(), epoll_events(), below(1000)});
    case 5:
      return add(Operation::EpollControl,
                 {instance, one_in(8) ? 4 : EPOLL_CTL_DEL, watched(), epoll_events(), below(1000)});
    default:
      return add(Operation::EpollWait, {instance, one_in(20) ? any_of({0, -1, INT_MAX}) : any_of({1, 2, 8, 64})});
  }
}

/// As much as is wanted: a full buffer is full at the same byte on both sides.
void Generator::add_on_unix_socket() {
  std::int64_t address = 0;
  std::int64_t length = 0;
  memory(address, length);
  const std::int64_t socket = one_in(30) ? any_descriptor() : descriptor(Content::UnixSocket);
  const std::int64_t silent = one_in(15) ? 0 : MSG_NOSIGNAL;
  if (one_in(4)) return add_on_unix_name(socket);
  switch (below(16)) {
    case 0:
    case 1:
    case 2:
      return add(Operation::Send, {socket, address, length, silent | any_of({0, 0, MSG_DONTWAIT, MSG_MORE})});
    case 3:
    case 4:
    case 5:
      return add(Operation::Recv, {socket, address, length,
                                   any_of({0, 0, MSG_DONTWAIT, MSG_WAITALL, MSG_PEEK, MSG_PEEK | MSG_WAITALL})});
    case 6:
      return add(one_in(2) ? Operation::Read : Operation::Write, {socket, address, length});
    case 7: {
      std::int64_t second = 0;
      std::int64_t more = 0;
      memory(second, more);
      return add(one_in(2) ? Operation::Readv : Operation::Writev, {socket, address, length, second, more});
    }
    case 8:
      return add(Operation::Sendfile, {socket, descriptor(Content::File), optional_offset(), finite_size()});
    case 9:
      return add(Operation::Splice,
                 {descriptor(Content::ReadEnd), kNoOffset, socket, kNoOffset, length, splice_flags()});
    case 10:
      return add(Operation::Splice, {socket, one_in(20) ? 0 : kNoOffset, descriptor(Content::WriteEnd), kNoOffset,
                                     length, splice_flags()});
    case 11:
      if (!one_in(3)) return add_on_unix_option(socket);
      return add(Operation::Shutdown, {socket, one_in(20) ? 7 : any_of({SHUT_RD, SHUT_WR, SHUT_WR, SHUT_RDWR})});
    case 12:
      return add(Operation::Poll,
                 {socket, any_of({POLLIN, POLLOUT, POLLIN | POLLOUT, POLLIN | POLLRDHUP}),
                  descriptor(Content::UnixSocket), any_of({POLLIN, POLLOUT, POLLRDNORM | POLLWRBAND})});
    case 13: {
      const std::int64_t first = new_descriptor(Content::UnixSocket);
      return add(Operation::UnixPair, {first, new_descriptor(Content::UnixSocket),
                                       O_NONBLOCK | any_of({0, 0, O_CLOEXEC, one_in(4) ? O_APPEND : 0})});
    }
    case 14:
      return add_on_unix_option(socket);
    default:
      if (one_in(4)) return add(one_in(2) ? Operation::Fstat : Operation::WaitingBytes, {socket});
      if (one_in(4)) return add(Operation::Pread, {socket, address, length, 0});
      if (one_in(8)) return add(Operation::Listen, {socket, 3});
      if (one_in(8)) return add(Operation::Connect, {socket});
      if (one_in(8)) return add(Operation::Bind, {socket, below(kTargets), socket});
      if (one_in(8)) return add(Operation::Accept, {new_descriptor(Content::Nothing), socket});
      if (!one_in(3)) return;
      if (socket < kSlots) m_content[static_cast<std::size_t>(socket)] = Content::Nothing;
      return add(Operation::Close, {socket});
  }
}

/// Listeners and those that connect to them.
void Generator::add_on_unix_name(std::int64_t socket) {
  const auto name = [this] { return one_in(6) ? below(std::ssize(kUnixNames)) : any_of({0, 0, 1, 2}); };
  switch (below(10)) {
    case 0:
    case 1:
      return add(Operation::UnixSocket, {new_descriptor(Content::UnixSocket)});
    case 2:
      return add(Operation::UnixBind, {socket, name()});
    case 3:
    case 4:
      return add(Operation::UnixConnect, {socket, name()});
    case 5:
      return add(Operation::Listen, {socket, below(3)});
    case 6:
    case 7:
      return add(Operation::Accept, {new_descriptor(Content::UnixSocket), socket});
    case 8:
      return add(Operation::SocketNames, {socket});
    default: {  // a listener, and somebody who connects
      const std::int64_t listener = new_descriptor(Content::UnixSocket);
      const std::int64_t at = name();
      add(Operation::UnixSocket, {listener});
      add(Operation::UnixBind, {listener, at});
      add(Operation::Listen, {listener, below(4)});
      const std::int64_t client = new_descriptor(Content::UnixSocket);
      add(Operation::UnixSocket, {client});
      return add(Operation::UnixConnect, {client, at});
    }
  }
}

void Generator::add_on_unix_option(std::int64_t socket) {
  const auto buffers = static_cast<std::int64_t>(kReadSocketOptions);
  if (one_in(3)) return add(Operation::Getsockopt, {socket, below(kUnixOptions)});
  if (one_in(3))
    return add(Operation::Setsockopt, {socket, buffers + below(2), any_of({0, 2304, 5000, 20'000, 100'000})});
  return add(Operation::Setsockopt, {socket, below(kSocketOptions), any_of({0, 1, 2, -1, 7, 100, 5000, INT_MAX})});
}

/// 8 bytes that a counter is then given: small numbers, and those about the largest.
void Generator::store_number(std::int64_t address) {
  const std::int64_t rest = any_of({0, 0, 0, 0xFF, 0xFF, 0x7F});
  add(Operation::Fill, {address, rest, 8});
  if (one_in(2)) add(Operation::Fill, {address, any_of({1, 2, 0xFE, 0xFD}), 1});
}

/// None expires: they are hours ahead, from now, for the two machines did not start at the same time.
void Generator::add_on_timer() {
  constexpr std::int64_t kHour = 3'600'000'000'000;
  const std::int64_t timer = descriptor(Content::Timer);
  switch (below(6)) {
    case 5:
      if (one_in(2)) return add(Operation::ClockGet, {any_of({CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, 3, 77})});
      if (one_in(2)) return add(Operation::UsageGet, {any_of({0, -1, 1, 2, -3})});
      return add(Operation::SetCores, {0, 0});
    case 0:
      return add(Operation::TimerCreate, {new_descriptor(Content::Timer),
                                          one_in(10) ? any_of({77, -1, CLOCK_PROCESS_CPUTIME_ID}) : CLOCK_MONOTONIC,
                                          TFD_NONBLOCK | any_of({0, 0, TFD_CLOEXEC, one_in(4) ? 1 : 0})});
    case 1:
      return add(Operation::TimerGet, {timer});
    case 2: {
      std::int64_t address = 0;
      std::int64_t length = 0;
      memory(address, length);
      return add(one_in(4) ? Operation::Write : Operation::Read, {timer, address, any_of({8, 8, 7, 4096})});
    }
    case 3:
      return add(Operation::Poll, {timer, POLLIN | POLLOUT, descriptor(Content::Counter), POLLIN});
    default: {
      const std::int64_t value = any_of({0, kHour, 5 * kHour, 100 * kHour, one_in(4) ? -1 : 0});
      return add(Operation::TimerSet, {timer, one_in(8) ? any_of({4, TFD_TIMER_CANCEL_ON_SET}) : 0, value,
                                       any_of({0, 0, 1, kHour, 1'000'000, one_in(8) ? -kHour : 0})});
    }
  }
}

void Generator::add_on_counter() {
  if (one_in(3)) return add_on_timer();
  std::int64_t address = 0;
  std::int64_t length = 0;
  memory(address, length);
  const std::int64_t size = one_in(12) ? any_of({0, 7, 9, 16}) : 8;
  const std::int64_t counter = descriptor(Content::Counter);
  const bool harmless = address >= 0 && address < kRegionSize - 8;
  switch (below(8)) {
    case 0: {
      const std::int64_t flags = EFD_NONBLOCK | any_of({0, 0, EFD_SEMAPHORE, EFD_CLOEXEC});
      return add(Operation::EventFd,
                 {new_descriptor(Content::Counter), any_of({0, 0, 1, 3, UINT_MAX}), one_in(15) ? flags | 2 : flags});
    }
    case 1:
      return add(Operation::Poll, {counter, any_of({POLLIN, POLLOUT, POLLIN | POLLOUT}), descriptor(Content::Counter),
                                   any_of({POLLIN, POLLIN | POLLOUT, POLLRDNORM | POLLWRNORM})});
    case 2:
      return add(one_in(2) ? Operation::Readv : Operation::Writev,
                 {counter, address, any_of({4, 8, 8, 0, 16}), address, any_of({8, 4, 0, kNoPiece})});
    case 3:
    case 4:
      return add(Operation::Read, {counter, address, size});
    default:
      if (harmless) store_number(address);
      return add(Operation::Write, {counter, address, size});
  }
}

/// A few rounds, of which the last answer may come in parts.
std::int64_t Generator::talk_script() {
  std::int64_t script = 0;
  unsigned count = 0;
  const auto next = [&](Talk action) {
    if (count < kMostTalks) script |= static_cast<std::int64_t>(action) << (4 * count++);
  };
  for (std::int64_t rounds = 1 + below(3); rounds > 0; --rounds) {
    next(one_in(4) ? Talk::AskMore : Talk::Ask);
    next(Talk::ServerReads);
    next(Talk::Answer);
    next(Talk::ClientReads);
  }
  while (count + 1 < kMostTalks && !one_in(6)) next(static_cast<Talk>(1 + below(kTalks)));
  next(Talk::ClientReads);
  return script;
}

/// Mostly switched on first; each round ends what was sent before it.
std::int64_t Generator::lend_script() {
  std::int64_t script = 0;
  unsigned count = 0;
  const auto next = [&](Lend action) {
    if (count < kMostLends) script |= static_cast<std::int64_t>(action) << (4 * count++);
  };
  if (!one_in(8)) next(Lend::Enable);
  while (count + 1 < kMostLends) next(static_cast<Lend>(one_in(5) ? static_cast<int>(Lend::Round) : 1 + below(kLends)));
  next(Lend::Round);
  return script;
}

void Generator::add_message(std::int64_t socket, std::int64_t address, std::int64_t length, std::int64_t silent) {
  std::int64_t second = 0;
  std::int64_t more = 0;
  memory(second, more);
  more = one_in(6) ? kNoPiece : std::clamp<std::int64_t>(more, 0, 3000);
  if (one_in(2)) {
    return add(Operation::Sendmsg,
               {socket, address, length, second, more, silent | any_of({0, 0, MSG_DONTWAIT, MSG_ZEROCOPY})});
  }
  add(Operation::Recvmsg, {socket, address, length, second, more,
                           any_of({0, MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC, MSG_ERRQUEUE, MSG_CMSG_CLOEXEC})});
}

}  // namespace sluice::differential
