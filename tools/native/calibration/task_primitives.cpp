// SPDX-License-Identifier: Apache-2.0
// Two processes on one core that wake each other, through pipes or when a burst of packets waits.
#include <array>
#include <cstring>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "tools/native/calibration/primitive.h"

namespace sluice::calibration {
namespace {

constexpr unsigned kBatch = 16;

struct Ends {
  int from_parent[2];
  int to_parent[2];
};

/// Returns every byte until the parent closes its end.
int echo(SystemCalls& calls, std::span<const std::byte> arguments) {
  Ends ends{};
  std::memcpy(&ends, arguments.data(), sizeof ends);
  calls.close(ends.from_parent[1]);
  calls.close(ends.to_parent[0]);
  const auto buffer =
      calls.mmap(UserAddress::Null, kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (buffer < 0) return 1;
  const auto at = static_cast<UserAddress>(buffer);
  while (calls.read(ends.from_parent[0], at, 1) == 1) {
    if (calls.write(ends.to_parent[1], at, 1) != 1) return 1;
  }
  return 0;
}

void round_trip(Session& session) {
  Ends ends{};
  session.need("pipe", session.calls.pipe(ends.from_parent));
  session.need("pipe", session.calls.pipe(ends.to_parent));
  const UserAddress buffer = session.map_buffer(kPageSize);
  const auto child = session.need("fork", session.calls.fork(echo, std::as_bytes(std::span{&ends, 1})));
  session.calls.close(ends.from_parent[0]);
  session.calls.close(ends.to_parent[1]);
  session.measure_all(kBatch, [&] {
    for (unsigned i = 0; i < kBatch; ++i) {
      session.need_all("write", session.calls.write(ends.from_parent[1], buffer, 1), 1);
      session.need_all("read", session.calls.read(ends.to_parent[0], buffer, 1), 1);
    }
  });
  session.calls.close(ends.from_parent[1]);
  session.calls.close(ends.to_parent[0]);
  int status = 0;
  session.need("wait", session.calls.wait(child, status));
  session.calls.munmap(buffer, kPageSize);
}

// A burst: what a sender hands over before the receiver on its core gets to run.
constexpr unsigned kPackets = 6;
constexpr Bytes kPacketSize = 32_KiB;
constexpr Bytes kBurst = kPackets * kPacketSize;

struct BurstEnds {
  int sender;
  int receiver;
  int token[2];
};

/// Throws each burst away and says so, until the connection ends.
int discard_bursts(SystemCalls& calls, std::span<const std::byte> arguments) {
  BurstEnds ends{};
  std::memcpy(&ends, arguments.data(), sizeof ends);
  calls.close(ends.sender);
  calls.close(ends.token[0]);
  const auto buffer = calls.mmap(UserAddress::Null, 1_MiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (buffer < 0) return 1;
  const auto at = static_cast<UserAddress>(buffer);
  calls.fill(at, std::byte{0}, 1);
  Bytes got = 0;
  for (;;) {
    const auto size = calls.recv(ends.receiver, at, 1_MiB, MSG_TRUNC);
    if (size <= 0) return size == 0 ? 0 : 1;
    got += static_cast<Bytes>(size);
    if (got < kBurst) continue;
    got -= kBurst;
    if (calls.write(ends.token[1], at, 1) != 1) return 1;
  }
}

BurstEnds connect_ends(Session& session) {
  SystemCalls& calls = session.calls;
  constexpr std::uint32_t kLoopback = 0x7F00'0001;
  kernel_sim::Endpoint where{kLoopback, 0};
  const int listener = static_cast<int>(session.need("socket", calls.socket(AF_INET, SOCK_STREAM, 0)));
  session.need("bind", calls.bind(listener, where));
  session.need("listen", calls.listen(listener, 1));
  session.need("getsockname", calls.getsockname(listener, where));
  BurstEnds ends{};
  ends.sender = static_cast<int>(session.need("socket", calls.socket(AF_INET, SOCK_STREAM, 0)));
  session.need("connect", calls.connect(ends.sender, {kLoopback, where.port}));
  ends.receiver = static_cast<int>(session.need("accept", calls.accept(listener, nullptr)));
  session.need("setsockopt", calls.setsockopt(ends.sender, IPPROTO_TCP, TCP_NODELAY, 1));
  session.need("pipe", calls.pipe(ends.token));
  calls.close(listener);
  return ends;
}

void burst(Session& session) {
  const BurstEnds ends = connect_ends(session);
  const UserAddress buffer = session.map_buffer(kPacketSize);
  const auto child = session.need("fork", session.calls.fork(discard_bursts, std::as_bytes(std::span{&ends, 1})));
  session.calls.close(ends.receiver);
  session.calls.close(ends.token[1]);
  const auto one = [&] {
    for (unsigned i = 0; i < kPackets; ++i) {
      session.need_all("send", session.calls.send(ends.sender, buffer, kPacketSize, 0), kPacketSize);
    }
    session.need_all("read", session.calls.read(ends.token[0], buffer, 1), 1);
  };
  for (unsigned i = 0; i < kBatch; ++i) one();  // until windows and acknowledgments have settled
  session.measure_all(kBatch, [&] {
    for (unsigned i = 0; i < kBatch; ++i) one();
  });
  session.calls.close(ends.sender);
  session.calls.close(ends.token[0]);
  int status = 0;
  session.need("wait", session.calls.wait(child, status));
  session.calls.munmap(buffer, kPacketSize);
}

}  // namespace

std::vector<Primitive> task_primitives() {
  return {{"task.round_trip", "a byte to another process on the core and back, through pipes", round_trip, 0},
          {"task.burst", "six packets of 32 KiB to another process on the core, and a byte back", burst, 0}};
}

}  // namespace sluice::calibration
