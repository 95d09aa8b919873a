// SPDX-License-Identifier: Apache-2.0
// Steps on sockets.

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "tests/differential/interpreting_process.h"
#include "tests/differential/socket_steps.h"

namespace sluice::differential {

/// The listener is there for this connection only.
void Interpreter::connect_pair(const Step& step) {
  const auto& a = step.arguments;
  const auto fd = [](Value value) { return static_cast<int>(value); };
  const Value listener = m_calls.socket(AF_INET, SOCK_STREAM, 0);
  m_calls.bind(fd(listener), {INADDR_LOOPBACK, 0});
  m_calls.listen(fd(listener), 1);
  kernel_sim::Endpoint endpoint;
  m_calls.getsockname(fd(listener), endpoint);
  const Value client = m_calls.socket(AF_INET, SOCK_STREAM, 0);
  const Value connected = m_calls.connect(fd(client), endpoint);
  const Value server = connected == 0 ? m_calls.accept(fd(listener), nullptr, 0) : connected;
  m_calls.close(fd(listener));
  for (const Value end : {client, server}) {
    m_calls.setsockopt(fd(end), IPPROTO_TCP, TCP_NODELAY, 1);
    m_calls.fcntl(fd(end), F_SETFL, O_NONBLOCK);
  }
  set_slot(a[0], client);
  set_slot(a[1], server);
  note(connected, client, server);
}

void Interpreter::receive_message(const Step& step) {
  const std::vector<kernel_sim::IoVector> list = pieces(step);
  const auto flags = static_cast<int>(step.arguments[5]);
  kernel_sim::MessageFlags message_flags;
  std::optional<kernel_sim::SocketError> error;
  kernel_sim::Endpoint from = kernel_sim::kNowhere;
  const Value value = m_calls.recvmsg(slot(step.arguments[0]), list, flags, message_flags, error, &from);
  if ((flags & MSG_TRUNC) != 0) {
    note(value);  // nothing was put anywhere
  } else {
    note_pieces(value, list);
  }
  const kernel_sim::SocketError record = error.value_or(kernel_sim::SocketError{});
  note(message_flags.value, std::int64_t{record.info} << 32 | record.data,
       std::int64_t{record.code} << 32 | record.origin);
  note(from.family, from.address, slot_at(from));
}

void Interpreter::make_datagram_socket(const Step& step) {
  const Value fd = m_calls.socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  if (fd >= 0 && step.arguments[1] != 0) m_calls.bind(static_cast<int>(fd), {INADDR_LOOPBACK, 0});
  note_new(step.arguments[0], fd);
}

/// With MSG_TRUNC the value is the datagram's length, of which as much was put as there was room for.
void Interpreter::receive_from(const Step& step) {
  const auto& a = step.arguments;
  const auto size = static_cast<std::uint64_t>(a[2]);
  kernel_sim::Endpoint from = kernel_sim::kNowhere;
  const Value value = m_calls.recvfrom(slot(a[0]), address(a[1]), size, static_cast<int>(a[3]), &from);
  if (from.family == AF_INET) {
    note_with_data(value, address(a[1]), std::min(static_cast<std::uint64_t>(std::max<Value>(value, 0)), size));
  } else {
    note(value);  // nothing came, or bytes of a stream, which other steps look at
  }
  note(from.family, from.address, slot_at(from));
}

/// The end of a connection of TCP without close is not modelled.
void Interpreter::dissolve(const Step& step) {
  const int fd = slot(step.arguments[0]);
  if (is_datagram_socket(fd)) note(m_calls.connect(fd, kernel_sim::kNowhere));
}

/// Of AF_INET not the port. Which name the kernel chooses for a socket of AF_UNIX is its own affair.
void Interpreter::note_name(Value value, const kernel_sim::Endpoint& name) {
  std::int64_t sum = name.family;
  const bool known = std::ranges::find(kUnixNames, name.name) != kUnixNames.end();
  for (const char c : known ? name.name : "?") sum = sum * 257 + static_cast<unsigned char>(c);
  note(value, sum, name.address);
}

bool Interpreter::is_datagram_socket(int fd) {
  int type = 0;
  return m_calls.getsockopt(fd, SOL_SOCKET, SO_TYPE, type) == 0 && type == SOCK_DGRAM;
}

bool Interpreter::has_port_of_other_protocol(int fd, int other) {
  kernel_sim::Endpoint at;
  return m_calls.getsockname(other, at) == 0 && at.family == AF_INET && at.port != 0 &&
         is_datagram_socket(fd) != is_datagram_socket(other);
}

std::int64_t Interpreter::slot_at(const kernel_sim::Endpoint& at) {
  if (at.family != AF_INET) return -1;
  for (std::int64_t i = 0; i < kSlots; ++i) {
    if (!is_datagram_socket(slot(i))) continue;  // a port of TCP is another one
    kernel_sim::Endpoint local;
    if (m_calls.getsockname(slot(i), local) == 0 && local.port == at.port) return i;
  }
  return -1;
}

void Interpreter::execute_on_socket(const Step& step) {
  const auto& a = step.arguments;
  const auto size = [&](std::size_t i) { return static_cast<std::uint64_t>(a[i]); };
  const auto number = [&](std::size_t i) { return static_cast<int>(a[i]); };
  switch (step.operation) {
    case Operation::UnixPair: {
      int ends[2] = {-1, -1};
      const Value value = m_calls.socketpair(AF_UNIX, SOCK_STREAM | number(2), 0, ends);
      set_slot(a[0], ends[0]);
      set_slot(a[1], ends[1]);
      note(value, ends[0], ends[1]);
      break;
    }
    case Operation::SocketPair:
      connect_pair(step);
      break;
    case Operation::Socket:
      note_new(a[0], m_calls.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      break;
    case Operation::Connect:
      note(m_calls.connect(slot(a[0]), {INADDR_LOOPBACK, kNobodysPort}));
      break;
    case Operation::Bind:
      if (has_port_of_other_protocol(slot(a[0]), slot(a[2]))) break;
      note(m_calls.bind(slot(a[0]), endpoint_of(m_calls, static_cast<Target>(a[1]), slot(a[2]))));
      break;
    case Operation::ConnectTo:
      if (is_datagram_socket(slot(a[0])) != is_datagram_socket(slot(a[1]))) break;
      note(connect_to(m_calls, slot(a[0]), slot(a[1])));
      break;
    case Operation::Setsockopt: {
      const OptionName& name = socket_option_at(a[1]);
      if (name.option == SO_ZEROCOPY && is_datagram_socket(slot(a[0]))) break;  // there is none for UDP here
      note(m_calls.setsockopt(slot(a[0]), name.level, name.option, number(2)));
      break;
    }
    case Operation::Getsockopt: {
      const OptionName& name = socket_option_at(a[1]);
      int value = 0;
      const Value answer = m_calls.getsockopt(slot(a[0]), name.level, name.option, value);
      note(answer, answer == 0 ? value : 0);
      break;
    }
    case Operation::Talk:
      for (const TalkAnswer& answer : talk(m_calls, own(), a[0])) {
        if (answer.talk == Talk::End) break;
        note(answer.value, static_cast<std::int64_t>(answer.talk), static_cast<std::int64_t>(answer.waited));
      }
      break;
    case Operation::Listen:
      note(m_calls.listen(slot(a[0]), number(1)));
      break;
    case Operation::Accept:
      note_new(a[0], m_calls.accept(slot(a[1]), nullptr, SOCK_NONBLOCK));
      break;
    case Operation::Send:
      // Urgent bytes of streams are not modelled.
      if ((a[3] & MSG_OOB) != 0 && !is_datagram_socket(slot(a[0]))) break;
      note(m_calls.send(slot(a[0]), address(a[1]), size(2), number(3)));
      break;
    case Operation::Recv: {
      const Value value = m_calls.recv(slot(a[0]), address(a[1]), size(2), number(3));
      if ((a[3] & MSG_TRUNC) != 0) {
        note(value);  // nothing was put anywhere
      } else {
        note_read(value, address(a[1]));
      }
      break;
    }
    case Operation::Sendmsg:
      note(m_calls.sendmsg(slot(a[0]), pieces(step), number(5)));
      break;
    case Operation::Recvmsg:
      receive_message(step);
      break;
    case Operation::Lend:
      // Behind the interpreter's own memory nothing is mapped that it could read: the last region never is.
      for (const LendAnswer& answer : lend(m_calls, own(), address(kArenaSize - kRegionSize), a[0]))
        note(answer.value, answer.also[0], answer.also[1]);
      break;
    case Operation::Shutdown:
      note(m_calls.shutdown(slot(a[0]), number(1)));
      break;
    case Operation::Datagram:
      make_datagram_socket(step);
      break;
    case Operation::SendTo: {
      if (has_port_of_other_protocol(slot(a[0]), slot(a[4]))) break;
      const kernel_sim::Endpoint to = endpoint_of(m_calls, slot(a[4]));
      note(m_calls.sendto(slot(a[0]), address(a[1]), size(2), number(3), &to));
      break;
    }
    case Operation::RecvFrom:
      receive_from(step);
      break;
    case Operation::PeerName: {
      kernel_sim::Endpoint peer = kernel_sim::kNowhere;
      const Value value = m_calls.getpeername(slot(a[0]), peer);
      note(value, peer.address, peer.family);
      break;
    }
    case Operation::Dissolve:
      dissolve(step);
      break;
    case Operation::UnixSocket:
      note_new(a[0], m_calls.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
      break;
    case Operation::UnixBind:
      note(m_calls.bind(slot(a[0]), {0, 0, AF_UNIX, std::string{kUnixNames[size(1)]}}));
      break;
    case Operation::UnixConnect:
      note(m_calls.connect(slot(a[0]), {0, 0, AF_UNIX, std::string{kUnixNames[size(1)]}}));
      break;
    case Operation::WaitingBytes: {
      int waiting = 0;
      const Value value = m_calls.ioctl(slot(a[0]), FIONREAD, waiting);
      note(value, waiting);
      break;
    }
    case Operation::SocketNames: {
      kernel_sim::Endpoint name = kernel_sim::kNowhere;
      const Value local = m_calls.getsockname(slot(a[0]), name);
      note_name(local, name);
      name = kernel_sim::kNowhere;
      const Value peer = m_calls.getpeername(slot(a[0]), name);
      note_name(peer, name);
      break;
    }
    default:
      break;
  }
}

}  // namespace sluice::differential
