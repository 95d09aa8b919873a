// SPDX-License-Identifier: Apache-2.0
// AF_UNIX sockets: what tests/differential cannot see - waiting, copies, and what is left when they go.
#include <fcntl.h>
#include <poll.h>

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/kernel_sim/syscalls/process_rig.h"

namespace sluice::syscalls {
namespace {

struct Pair {
  int first = -1;
  int second = -1;
};

Pair make_pair(SystemCalls& calls, int flags = 0) {
  int fds[2] = {-1, -1};
  EXPECT_EQ(calls.socketpair(AF_UNIX, SOCK_STREAM | flags, 0, fds), 0);
  return {fds[0], fds[1]};
}

template <class T>
T argument(std::span<const std::byte> bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

int say_hello_later(SystemCalls& calls, std::span<const std::byte> arguments) {
  const UserAddress at = buffer(calls, 4096);
  put(calls, at, "hello");
  calls.nanosleep(1'000'000);
  calls.send(argument<int>(arguments), at, 2, 0);
  calls.nanosleep(1'000'000);
  calls.send(argument<int>(arguments), at + 2, 3, 0);
  return 0;
}

TEST(UnixSocket, AReaderSleepsUntilBytesComeAndWaitallUntilAllCame) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    for (const int flag : {0, static_cast<int>(MSG_WAITALL)}) {
      const Pair pair = make_pair(calls);
      calls.fork(say_hello_later, std::as_bytes(std::span{&pair.second, 1}));
      EXPECT_EQ(calls.recv(pair.first, at, 5, flag), flag == 0 ? 2 : 5);
      int status = 0;
      calls.wait(-1, status);
    }
    return 0;
  });
}

TEST(UnixSocket, NoUrgentByteIsRefusedBeforeAskingForAPeer) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    const auto alone = static_cast<int>(calls.socket(AF_UNIX, SOCK_STREAM, 0));
    EXPECT_EQ(calls.send(alone, at, 0, MSG_OOB), -EOPNOTSUPP);
    EXPECT_EQ(calls.send(alone, at, 1, MSG_OOB), -ENOTCONN);
    return 0;
  });
}

int read_all_later(SystemCalls& calls, std::span<const std::byte> arguments) {
  const Pair pair = argument<Pair>(arguments);
  calls.close(pair.first);
  const UserAddress at = buffer(calls, 64 << 10);
  calls.nanosleep(1'000'000);
  Bytes got = 0;
  for (SystemCalls::Value n = 1; n > 0; got += static_cast<Bytes>(n)) n = calls.read(pair.second, at, 64 << 10);
  return got == 1'000'000 ? 0 : 1;
}

TEST(UnixSocket, AWriterSleepsUntilTheOtherSideHasRead) {
  ProcessRig rig;
  EXPECT_EQ(rig.run([](SystemCalls& calls) {
    const Pair pair = make_pair(calls);
    calls.fork(read_all_later, std::as_bytes(std::span{&pair, 1}));
    calls.close(pair.second);
    EXPECT_EQ(calls.write(pair.first, buffer(calls, 1'000'000), 1'000'000), 1'000'000);
    calls.close(pair.first);
    int status = 0;
    calls.wait(-1, status);
    return WEXITSTATUS(status);
  }),
            0);
}

TEST(UnixSocket, ASendBufferIsFullAfterSoManyPackets) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 64 << 10);
    // As Linux counts: a record of 256 bytes, a head of 512 to 4096, and whole pages.
    for (const auto& [size, packets] :
         std::vector<std::pair<Bytes, int>>{{1, 278}, {600, 167}, {3776, 49}, {8192, 24}}) {
      const Pair pair = make_pair(calls, SOCK_NONBLOCK);
      int sent = 0;
      while (calls.write(pair.first, at, size) > 0) ++sent;
      EXPECT_EQ(sent, packets) << size;
      EXPECT_EQ(calls.write(pair.first, at, size), -EAGAIN);
      calls.close(pair.first);
      calls.close(pair.second);
    }
    return 0;
  });
}

TEST(UnixSocket, BytesAreCopiedIntoPacketsAndOutOfThem) {
  ProcessRig rig;
  rig.run([&](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 128 << 10);
    calls.fill(at, std::byte{7}, 128 << 10);
    const Pair pair = make_pair(calls);
    rig.fake.ledger().record(true);
    EXPECT_EQ(calls.write(pair.first, at, 100'000), 100'000);
    EXPECT_EQ(calls.read(pair.second, at, 100'000), 100'000);
    rig.fake.ledger().record(false);
    return 0;
  });
  Bytes in = 0;
  Bytes out = 0;
  for (const base::Move& move : rig.fake.ledger().moves()) {
    if (move.by != base::Mover::Cpu) continue;
    if (move.from == Place::UserBuffer && move.to == Place::SocketBuffer)
      in += move.bytes.payload + move.bytes.overhead;
    if (move.from == Place::SocketBuffer && move.to == Place::UserBuffer)
      out += move.bytes.payload + move.bytes.overhead;
  }
  EXPECT_EQ(in, 100'000U);
  EXPECT_EQ(out, 100'000U);
}

TEST(UnixSocket, PagesOfAPipePassThroughByReference) {
  ProcessRig rig;
  rig.run([&](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 64 << 10);
    put(calls, at + 8190, "abcd");
    int in[2];
    int out[2];
    calls.pipe(in, 0);
    calls.pipe(out, 0);
    const Pair pair = make_pair(calls);
    EXPECT_EQ(calls.write(in[1], at, 20'000), 20'000);
    rig.fake.ledger().record(true);
    EXPECT_EQ(calls.splice(in[0], nullptr, pair.first, nullptr, 20'000, 0), 20'000);
    EXPECT_EQ(calls.splice(pair.second, nullptr, out[1], nullptr, 20'000, 0), 20'000);
    EXPECT_EQ(rig.fake.ledger().total_by(base::Mover::Cpu).overhead, 0U);
    EXPECT_EQ(calls.read(out[0], at + 32'768, 20'000), 20'000);
    EXPECT_EQ(get(calls, at + 32'768 + 8190, 4), "abcd");
    return 0;
  });
}

TEST(UnixSocket, AnEndThatGoesWithBytesUnreadResetsTheOther) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    const Pair pair = make_pair(calls);
    EXPECT_EQ(calls.write(pair.first, at, 10), 10);
    EXPECT_EQ(calls.write(pair.second, at, 3), 3);
    calls.close(pair.second);
    std::array<kernel_sim::PollEntry, 1> entry = {{{pair.first, POLLIN, 0}}};
    EXPECT_EQ(calls.poll(entry, 0), 1);
    EXPECT_EQ(entry[0].returned, POLLIN | POLLERR | POLLHUP);
    EXPECT_EQ(calls.send(pair.first, at, 1, MSG_NOSIGNAL), -EPIPE);
    EXPECT_EQ(calls.read(pair.first, at, 10), 3);
    EXPECT_EQ(calls.read(pair.first, at, 10), -ECONNRESET);
    EXPECT_EQ(calls.read(pair.first, at, 10), 0);
    return 0;
  });
}

TEST(UnixSocket, WhoWritesWhereNobodyReadsIsKilled) {
  ProcessRig rig;
  const int status = rig.run([](SystemCalls& calls) {
    const Pair pair = make_pair(calls);
    calls.shutdown(pair.second, SHUT_RD);
    calls.write(pair.first, buffer(calls, 4096), 1);
    return 0;
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGPIPE);
}

TEST(UnixSocket, EachPacketIsAnEdgeAndSpaceOnceThreeQuartersAreFree) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 64 << 10);
    const Pair pair = make_pair(calls, SOCK_NONBLOCK);
    const int epoll = static_cast<int>(calls.epoll_create1(0));
    const kernel_sim::EpollEvent event{static_cast<std::uint32_t>(EPOLLOUT) | EPOLLET, 0};
    calls.epoll_ctl(epoll, EPOLL_CTL_ADD, pair.first, &event);
    std::vector<kernel_sim::EpollEvent> events;
    EXPECT_EQ(calls.epoll_wait(epoll, events, 4, 0), 1);
    while (calls.write(pair.first, at, 8192) > 0) {
    }
    int reads = 0;
    while (calls.epoll_wait(epoll, events, 4, 0) == 0 && calls.read(pair.second, at, 8192) > 0) ++reads;
    EXPECT_EQ(reads, 19);
    return 0;
  });
}

TEST(UnixSocket, APairIsMadeOfStreamsOfItsOwnFamily) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    int fds[2] = {-1, -1};
    EXPECT_EQ(calls.socketpair(AF_INET, SOCK_STREAM, 0, fds), -EOPNOTSUPP);
    EXPECT_EQ(calls.socketpair(77, SOCK_STREAM, 0, fds), -EAFNOSUPPORT);
    EXPECT_EQ(calls.socketpair(AF_UNIX, 9, 0, fds), -ESOCKTNOSUPPORT);
    EXPECT_EQ(calls.socketpair(AF_UNIX, 12, 0, fds), -EINVAL);
    EXPECT_EQ(calls.socketpair(AF_UNIX, SOCK_STREAM, 7, fds), -EPROTONOSUPPORT);
    EXPECT_EQ(calls.socketpair(AF_UNIX, SOCK_STREAM | 0x10000, 0, fds), -EINVAL);
    EXPECT_EQ(fds[0], -1);
    const Pair pair = make_pair(calls, SOCK_CLOEXEC);
    EXPECT_EQ(calls.fcntl(pair.second, F_GETFD), FD_CLOEXEC);
    int value = 0;
    EXPECT_EQ(calls.getsockopt(pair.first, SOL_SOCKET, SO_DOMAIN, value), 0);
    EXPECT_EQ(value, AF_UNIX);
    EXPECT_EQ(calls.getsockopt(pair.first, SOL_SOCKET, SO_SNDBUF, value), 0);
    EXPECT_EQ(value, 212'992);
    EXPECT_EQ(calls.getsockopt(pair.first, 6, 1, value), -EOPNOTSUPP);
    return 0;
  });
}

TEST(UnixSocket, AMappingAtAFixedPlaceIsRefusedWhenWhatWasThereIsGone) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const Pair pair = make_pair(calls);
    const UserAddress at = buffer(calls, 4096);
    EXPECT_EQ(calls.mmap(at, 4096, PROT_READ, MAP_PRIVATE, pair.first, 0), -ENODEV);
    std::vector<std::uint8_t> resident;
    EXPECT_EQ(calls.mincore(at, 4096, resident), 0);
    EXPECT_EQ(calls.mmap(at, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_GROWSDOWN, pair.first, 0), -EINVAL);
    EXPECT_EQ(calls.mmap(at, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, pair.first, 0), -ENODEV);
    EXPECT_EQ(calls.mincore(at, 4096, resident), -ENOMEM);
    return 0;
  });
}

kernel_sim::Endpoint abstract(const char* name) { return {0, 0, AF_UNIX, std::string(1, '\0') + name}; }

int connect_and_wait(SystemCalls& calls, std::span<const std::byte>) {
  const int client = static_cast<int>(calls.socket(AF_UNIX, SOCK_STREAM, 0));
  return calls.connect(client, abstract("full")) == 0 ? 7 : 8;
}

TEST(UnixSocket, WhoConnectsToAFullQueueSleepsUntilSomebodyIsAccepted) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const int listener = static_cast<int>(calls.socket(AF_UNIX, SOCK_STREAM, 0));
    EXPECT_EQ(calls.bind(listener, abstract("full")), 0);
    EXPECT_EQ(calls.listen(listener, 0), 0);
    const int first = static_cast<int>(calls.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    EXPECT_EQ(calls.connect(first, abstract("full")), 0);
    const int second = static_cast<int>(calls.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    EXPECT_EQ(calls.connect(second, abstract("full")), -EAGAIN);
    calls.fork(connect_and_wait, {});
    calls.nanosleep(1'000'000);
    kernel_sim::Endpoint peer;
    EXPECT_GT(calls.accept(listener, &peer, 0), 0);
    EXPECT_EQ(peer.family, AF_UNIX);
    EXPECT_TRUE(peer.name.empty());
    int status = 0;
    calls.wait(-1, status);
    EXPECT_EQ(WEXITSTATUS(status), 7);
    return 0;
  });
}

TEST(UnixSocket, AnAbstractNameIsFreeWhenItsSocketIsClosed) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const auto fresh = [&] { return static_cast<int>(calls.socket(AF_UNIX, SOCK_STREAM, 0)); };
    const int first = fresh();
    EXPECT_EQ(calls.bind(first, abstract("name")), 0);
    EXPECT_EQ(calls.bind(fresh(), abstract("name")), -EADDRINUSE);
    EXPECT_EQ(calls.connect(fresh(), abstract("name")), -ECONNREFUSED);
    EXPECT_EQ(calls.bind(first, abstract("other")), -EINVAL);
    calls.close(first);
    EXPECT_EQ(calls.bind(fresh(), abstract("name")), 0);
    return 0;
  });
}

TEST(UnixSocket, WhatWasSentAndNeverAcceptedGoesWithTheListener) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    const int listener = static_cast<int>(calls.socket(AF_UNIX, SOCK_STREAM, 0));
    calls.bind(listener, abstract("going"));
    calls.listen(listener, 1);
    const int client = static_cast<int>(calls.socket(AF_UNIX, SOCK_STREAM, 0));
    EXPECT_EQ(calls.connect(client, abstract("going")), 0);
    EXPECT_EQ(calls.send(client, at, 4096, 0), 4096);
    calls.close(listener);
    EXPECT_EQ(calls.recv(client, at, 1, 0), -ECONNRESET);
    EXPECT_EQ(calls.recv(client, at, 1, 0), 0);
    EXPECT_EQ(calls.send(client, at, 1, MSG_NOSIGNAL), -EPIPE);
    return 0;
  });
}

int fill_and_sleep(SystemCalls& calls, std::span<const std::byte> arguments) {
  const int to = argument<int>(arguments);
  const UserAddress at = buffer(calls, 4096);
  while (calls.send(to, at, 4096, MSG_DONTWAIT) > 0) {
  }
  return calls.send(to, at, 100, 0) == -EPIPE ? 7 : 8;
}

TEST(UnixSocket, AWriterThatSleepsWhileNobodyReadsAnyMoreGetsNoSignal) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const Pair pair = make_pair(calls);
    calls.fork(fill_and_sleep, std::as_bytes(std::span{&pair.first, 1}));
    calls.nanosleep(50'000'000);
    EXPECT_EQ(calls.shutdown(pair.second, SHUT_RD), 0);
    int status = 0;
    calls.wait(-1, status);
    EXPECT_TRUE(WIFEXITED(status)) << "SIGPIPE";
    EXPECT_EQ(WEXITSTATUS(status), 7);
    return 0;
  });
}

}  // namespace
}  // namespace sluice::syscalls
