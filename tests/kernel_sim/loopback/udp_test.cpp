// SPDX-License-Identifier: Apache-2.0
// UDP sockets on one stack.
#include <fcntl.h>
#include <poll.h>

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "kernel_sim/net/udp_socket.h"
#include "tests/kernel_sim/loopback/rig.h"

namespace sluice::tests {
namespace {

constexpr std::uint32_t kHere = net::Stack::kLoopbackAddress;

struct UdpRig : LoopbackRig {
  std::shared_ptr<net::UdpSocket> socket(int flags = O_RDWR | O_NONBLOCK) {
    return std::dynamic_pointer_cast<net::UdpSocket>(*stack.create_inet_socket(SOCK_DGRAM, flags));
  }
  std::shared_ptr<net::UdpSocket> at(Endpoint local, bool shares = false) {
    auto made = socket();
    EXPECT_TRUE(made->set_option(SOL_SOCKET, SO_REUSEADDR, shares ? 1 : 0).has_value());
    EXPECT_TRUE(made->bind(local).has_value());
    return made;
  }
  std::shared_ptr<net::UdpSocket> connected_to(const net::UdpSocket& peer) {
    auto made = socket();
    EXPECT_TRUE(made->connect(peer.local()).has_value());
    return made;
  }
  Result<Bytes> send(net::UdpSocket& from, Bytes size, int flags = 0) {
    return from.send(memory, VirtAddr{0}, size, flags);
  }
  Result<Bytes> send_to(net::UdpSocket& from, Endpoint to, Bytes size = 1) {
    return from.send_to(memory, VirtAddr{0}, size, 0, to);
  }
  Result<Bytes> recv(net::UdpSocket& at, Bytes size = 70'000, int flags = 0) {
    return at.recv(memory, VirtAddr{1_MiB}, size, flags);
  }
  static int error_of(const auto& result) { return result ? 0 : result.error().value; }
};

TEST(Udp, ADatagramArrivesWholeWithItsSender) {
  UdpRig rig;
  rig.run([&] {
    const auto server = rig.at({kHere, 0});
    const auto client = rig.socket();
    EXPECT_EQ(rig.send_to(*client, server->local(), 5000).value_or(0), 5000U);
    net::MessageInfo info;
    EXPECT_EQ(server->receive_message(rig.memory, VirtAddr{1_MiB}, 9000, 0, info).value_or(0), 5000U);
    EXPECT_TRUE(rig.same_bytes(0, 1_MiB, 5000));
    EXPECT_EQ(info.from.address, kHere);
    EXPECT_EQ(info.from.port, client->local().port);
    EXPECT_EQ(info.flags, 0);
  });
}

TEST(Udp, ACallTakesOneDatagramAndSaysWhatItCutOff) {
  UdpRig rig;
  rig.run([&] {
    const auto server = rig.at({kHere, 0});
    const auto client = rig.connected_to(*server);
    for (const Bytes size : {100, 0, 7}) EXPECT_TRUE(rig.send(*client, size).has_value());
    EXPECT_EQ(rig.recv(*server, 30, MSG_PEEK | MSG_TRUNC).value_or(0), 100U);
    net::MessageInfo info;
    EXPECT_EQ(server->receive_message(rig.memory, VirtAddr{1_MiB}, 30, 0, info).value_or(0), 30U);
    EXPECT_EQ(info.flags, MSG_TRUNC);
    EXPECT_EQ(rig.recv(*server).value_or(9), 0U);
    EXPECT_EQ(rig.recv(*server).value_or(0), 7U);
    EXPECT_EQ(UdpRig::error_of(rig.recv(*server)), EAGAIN);
  });
}

TEST(Udp, NoDatagramIsLongerThanAnIpPacket) {
  UdpRig rig;
  rig.run([&] {
    const auto server = rig.at({kHere, 0});
    const auto client = rig.connected_to(*server);
    EXPECT_EQ(rig.send(*client, 65'507).value_or(0), 65'507U);
    EXPECT_EQ(UdpRig::error_of(rig.send(*client, 65'508)), EMSGSIZE);
  });
}

TEST(Udp, WithoutADestinationASocketStillGetsItsPort) {
  UdpRig rig;
  rig.run([&] {
    const auto socket = rig.socket();
    EXPECT_EQ(UdpRig::error_of(rig.send(*socket, 1)), EDESTADDRREQ);
    EXPECT_NE(socket->local().port, 0);
    EXPECT_EQ(UdpRig::error_of(rig.send_to(*socket, {kHere, 0})), EINVAL);
    EXPECT_EQ(UdpRig::error_of(rig.send_to(*socket, {0xFFFF'FFFF, 9})), EACCES);
    EXPECT_EQ(UdpRig::error_of(rig.send_to(*socket, {0x0A00'0002, 9})), ENETUNREACH) << "only loopback has datagrams";
  });
}

TEST(Udp, OnlyAConnectedSocketLearnsThatNobodyIsThere) {
  UdpRig rig;
  rig.run([&] {
    const auto socket = rig.socket();
    EXPECT_TRUE(rig.send_to(*socket, {kHere, 1}).has_value());
    EXPECT_EQ(socket->poll() & POLLERR, 0);
    EXPECT_TRUE(socket->connect({kHere, 1}).has_value());
    EXPECT_TRUE(rig.send(*socket, 1).has_value());
    EXPECT_NE(socket->poll() & POLLERR, 0);
    EXPECT_EQ(UdpRig::error_of(rig.send(*socket, 1)), ECONNREFUSED);
    EXPECT_TRUE(rig.send(*socket, 1).has_value()) << "it is told once";
    EXPECT_EQ(socket->option(SOL_SOCKET, SO_ERROR).value_or(0), ECONNREFUSED);
  });
}

TEST(Udp, AConnectedSocketHearsItsPeerAlone) {
  UdpRig rig;
  rig.run([&] {
    const auto server = rig.at({kHere, 0});
    const auto peer = rig.at({kHere, 0});
    const auto stranger = rig.at({kHere, 0});
    EXPECT_TRUE(rig.send_to(*stranger, server->local(), 2).has_value());
    EXPECT_TRUE(server->connect(peer->local()).has_value());
    EXPECT_TRUE(rig.send_to(*stranger, server->local(), 3).has_value());
    EXPECT_TRUE(rig.send_to(*peer, server->local(), 4).has_value());
    EXPECT_EQ(rig.recv(*server).value_or(0), 2U) << "it came before the connection";
    EXPECT_EQ(rig.recv(*server).value_or(0), 4U);
    EXPECT_EQ(UdpRig::error_of(rig.recv(*server)), EAGAIN);
  });
}

TEST(Udp, TheEndOfAConnectionLeavesWhatBindChose) {
  UdpRig rig;
  rig.run([&] {
    const auto server = rig.at({kHere, 0});
    const auto client = rig.connected_to(*server);
    EXPECT_EQ(client->local().address, kHere);
    EXPECT_TRUE(client->connect(kernel_sim::kNowhere).has_value());
    EXPECT_EQ(client->local().address, 0U);
    EXPECT_EQ(client->local().port, 0);
    EXPECT_EQ(UdpRig::error_of(client->peer_name()), ENOTCONN);
    const auto bound = rig.at({kHere + 1, 7001});
    EXPECT_TRUE(bound->connect(kernel_sim::kNowhere).has_value());
    EXPECT_EQ(bound->local().address, kHere + 1);
  });
}

TEST(Udp, APortIsSharedWhenBothSocketsAllowItAndTheLastOneGetsTheDatagrams) {
  UdpRig rig;
  rig.run([&] {
    const auto first = rig.at({kHere, 7000});
    const auto second = rig.socket();
    EXPECT_EQ(UdpRig::error_of(second->bind({0, 7000})), EADDRINUSE);
    EXPECT_TRUE(second->set_option(SOL_SOCKET, SO_REUSEADDR, 1).has_value());
    EXPECT_EQ(UdpRig::error_of(second->bind({kHere, 7000})), EADDRINUSE);
    EXPECT_TRUE(first->set_option(SOL_SOCKET, SO_REUSEADDR, 1).has_value());
    EXPECT_TRUE(second->bind({kHere, 7000}).has_value());
    const auto everywhere = rig.at({0, 7000}, true);
    const auto client = rig.socket();
    EXPECT_TRUE(rig.send_to(*client, {kHere, 7000}, 1).has_value());
    EXPECT_TRUE(rig.send_to(*client, {kHere + 1, 7000}, 2).has_value());
    EXPECT_EQ(rig.recv(*second).value_or(0), 1U);
    EXPECT_EQ(rig.recv(*everywhere).value_or(0), 2U);
    EXPECT_TRUE(first->received().empty());
  });
}

TEST(Udp, AFullBufferLosesDatagramsWithoutAWord) {
  UdpRig rig;
  rig.run([&] {
    const auto server = rig.at({kHere, 0});
    EXPECT_TRUE(server->set_option(SOL_SOCKET, SO_RCVBUF, 5000).has_value());
    const auto client = rig.connected_to(*server);
    for (int i = 0; i < 9; ++i) EXPECT_EQ(rig.send(*client, 1000).value_or(0), 1000U);
    EXPECT_EQ(server->received().memory(), 9216U) << "4 of 2304 bytes";
    EXPECT_EQ(rig.stack.statistics().receive_overflows, 5U);
    EXPECT_EQ(rig.stack.dropped(), 5U);
  });
}

TEST(Udp, MemoryIsCountedAsLinuxCountsIt) {
  UdpRig rig;
  rig.run([&] {
    struct Case {
      Bytes size;
      Bytes truesize;
    };
    for (const auto [size, truesize] :
         {Case{0, 832}, Case{197, 832}, Case{198, 1280}, Case{646, 2304}, Case{7814, 16'640}, Case{16'004, 16'640},
          Case{16'005, 16'837}, Case{60'000, 60'832}}) {
      const auto server = rig.at({kHere, 0});
      const auto client = rig.connected_to(*server);
      EXPECT_TRUE(rig.send(*client, size).has_value());
      EXPECT_EQ(server->received().memory(), truesize) << size;
      client->close();
      server->close();
    }
  });
}

TEST(Udp, SeveralCallsMakeOneDatagram) {
  UdpRig rig;
  rig.run([&] {
    const auto server = rig.at({kHere, 0});
    const auto client = rig.connected_to(*server);
    EXPECT_TRUE(rig.send(*client, 10, MSG_MORE).has_value());
    EXPECT_EQ(UdpRig::error_of(rig.recv(*server)), EAGAIN);
    EXPECT_TRUE(rig.send(*client, 20).has_value());
    EXPECT_EQ(rig.recv(*server).value_or(0), 30U);
    EXPECT_TRUE(client->set_option(IPPROTO_UDP, UDP_CORK, 1).has_value());
    EXPECT_TRUE(rig.send(*client, 60'000).has_value());
    EXPECT_EQ(UdpRig::error_of(rig.send(*client, 6'000)), EMSGSIZE) << "and all of it is lost";
    EXPECT_TRUE(rig.send(*client, 7).has_value());
    EXPECT_TRUE(client->set_option(IPPROTO_UDP, UDP_CORK, 0).has_value());
    EXPECT_EQ(rig.recv(*server).value_or(0), 7U);
    EXPECT_TRUE(rig.send(*client, 8, MSG_MORE).has_value());
    client->close();
    EXPECT_EQ(UdpRig::error_of(rig.recv(*server)), EAGAIN) << "what is corked goes with the socket";
  });
}

TEST(Udp, WhatIsCorkedGoesToWhomTheSocketConnectsNext) {
  UdpRig rig;
  rig.run([&] {
    const auto first = rig.at({kHere, 0});
    const auto second = rig.at({kHere, 0});
    const auto client = rig.connected_to(*first);
    EXPECT_TRUE(rig.send(*client, 10, MSG_MORE).has_value());
    EXPECT_TRUE(client->connect(second->local()).has_value());
    EXPECT_TRUE(rig.send(*client, 5).has_value());
    EXPECT_TRUE(first->received().empty());
    EXPECT_EQ(rig.recv(*second).value_or(0), 15U);
  });
}

TEST(Udp, AfterItsEndASocketWaitsNoMore) {
  UdpRig rig;
  rig.run([&] {
    const auto socket = rig.socket(O_RDWR);
    EXPECT_EQ(UdpRig::error_of(socket->shutdown(SHUT_RD)), ENOTCONN) << "and yet it is done";
    EXPECT_EQ(rig.recv(*socket).value_or(9), 0U);
    EXPECT_EQ(UdpRig::error_of(rig.recv(*socket, 1, MSG_DONTWAIT)), EAGAIN);
    EXPECT_EQ(UdpRig::error_of(socket->shutdown(SHUT_WR)), ENOTCONN);
    EXPECT_EQ(UdpRig::error_of(rig.send_to(*socket, {kHere, 1})), fs::kQuietBrokenPipe);
    EXPECT_EQ(socket->poll() & (POLLHUP | POLLRDHUP), POLLHUP | POLLRDHUP);
  });
}

TEST(Udp, ABlockedReaderIsWokenByADatagram) {
  UdpRig rig;
  rig.run([&] {
    const auto server = rig.socket(O_RDWR);
    EXPECT_TRUE(server->bind({kHere, 7000}).has_value());
    rig.scheduler.spawn("sender", [&] {
      const auto client = rig.socket();
      EXPECT_TRUE(rig.send_to(*client, {kHere, 7000}, 3).has_value());
      client->close();
    });
    EXPECT_EQ(rig.recv(*server).value_or(0), 3U);
  });
}

}  // namespace
}  // namespace sluice::tests
