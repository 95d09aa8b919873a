// SPDX-License-Identifier: Apache-2.0
// Steps on sockets that are more than one call, or tell more than a value.

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "tests/differential/interpreting_process.h"

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

std::int64_t Interpreter::slot_at(const kernel_sim::Endpoint& at) {
  if (at.family != AF_INET) return -1;
  for (std::int64_t i = 0; i < kSlots; ++i) {
    if (!is_datagram_socket(slot(i))) continue;  // a port of TCP is another one
    kernel_sim::Endpoint local;
    if (m_calls.getsockname(slot(i), local) == 0 && local.port == at.port) return i;
  }
  return -1;
}

}  // namespace sluice::differential
