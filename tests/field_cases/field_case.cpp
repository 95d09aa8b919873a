// SPDX-License-Identifier: Apache-2.0
#include "tests/field_cases/field_case.h"

#include <fcntl.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>

namespace sluice::field_cases {

UserAddress memory(SystemCalls& c, std::uint64_t size) {
  return static_cast<UserAddress>(
      c.mmap(UserAddress::Null, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

unsigned byte_at(SystemCalls& c, UserAddress at) {
  std::byte byte{};
  c.load(at, {&byte, 1});
  return std::to_integer<unsigned>(byte);
}

ConnectedPair connected_pair(SystemCalls& c, bool no_delay, int receive_buffer) {
  const int listener = fd(c.socket(AF_INET, SOCK_STREAM, 0));
  if (receive_buffer != 0) c.setsockopt(listener, SOL_SOCKET, SO_RCVBUF, receive_buffer);
  c.bind(listener, {INADDR_LOOPBACK, 0});
  c.listen(listener, 1);
  Endpoint endpoint;
  c.getsockname(listener, endpoint);
  const int client = fd(c.socket(AF_INET, SOCK_STREAM, 0));
  c.connect(client, endpoint);
  const int server = fd(c.accept(listener, nullptr, 0));
  c.close(listener);
  if (no_delay) {
    for (const int socket : {client, server}) c.setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  }
  return {client, server};
}

void set_non_blocking(SystemCalls& c, int socket) { c.fcntl(socket, F_SETFL, O_NONBLOCK); }

void fill_disk(SystemCalls& c, int file, UserAddress source) {
  for (const std::uint64_t piece : {1 << 20, 4096}) {
    while (c.write(file, source, piece) > 0) {
    }
  }
}

int polled(SystemCalls& c, int descriptor, int events, int timeout_ms) {
  PollEntry entry{descriptor, static_cast<std::int16_t>(events), 0};
  c.poll({&entry, 1}, timeout_ms);
  return entry.returned;
}

}  // namespace sluice::field_cases
