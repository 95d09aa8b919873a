// SPDX-License-Identifier: Apache-2.0
// Listeners, ports and who gets a connection.
#include <ctime>
#include <fcntl.h>
#include <poll.h>

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "tests/kernel_sim/loopback/rig.h"

namespace sluice::tests {
namespace {

TEST(PassiveOpen, WithoutAListenerAConnectionIsRefused) {
  LoopbackRig rig;
  rig.run([&] {
    const auto socket = rig.stack.create_socket(O_RDWR);
    EXPECT_EQ(socket->connect(rig.bound).error().value, ECONNREFUSED);
  });
}

TEST(PassiveOpen, AcceptIsRefusedOrWaitsAsLinuxDoes) {
  LoopbackRig rig;
  rig.run([&] {
    const auto idle = rig.stack.create_socket(O_RDWR);
    EXPECT_EQ(idle->accept(nullptr, 0).error().value, EINVAL);
    const auto listener = rig.listening(1, O_RDWR | O_NONBLOCK);
    EXPECT_EQ(listener->accept(nullptr, 0).error().value, EAGAIN);
    EXPECT_EQ(listener->poll() & POLLIN, 0);
    const auto socket = rig.stack.create_socket(O_RDWR);
    EXPECT_TRUE(socket->connect(rig.bound).has_value());
    EXPECT_NE(listener->poll() & POLLIN, 0);
    Endpoint peer;
    const auto accepted = listener->accept(&peer, SOCK_NONBLOCK);
    ASSERT_TRUE(accepted.has_value());
    EXPECT_EQ(peer.port, socket->local().port);
    EXPECT_EQ((*accepted)->recv(rig.memory, VirtAddr{0}, 1, 0).error().value, EAGAIN);
  });
}

TEST(PassiveOpen, EverySocketHoldsItsLocalPortHoweverItCameByIt) {
  LoopbackRig rig;
  rig.run([&] {
    const auto in_use = [&](Endpoint at) {
      const auto bound = rig.stack.create_socket(O_RDWR)->bind(at);
      return !bound && bound.error().value == EADDRINUSE;
    };
    const auto listener = rig.listening();
    const auto client = rig.stack.create_socket(O_RDWR);
    EXPECT_TRUE(client->connect(rig.bound).has_value());
    const auto server = *listener->accept(nullptr, 0);
    listener->close();
    EXPECT_TRUE(in_use(rig.bound)) << "of the connection that came in";
    EXPECT_TRUE(in_use({0, client->local().port})) << "of the one that went out";
    EXPECT_FALSE(in_use({net::Stack::kLoopbackAddress + 1, rig.bound.port})) << "at another address";
    server->close();
    rig.sleep(100_ms);
    client->close();
    rig.sleep(100_ms);
    EXPECT_TRUE(in_use(rig.bound)) << "the end that closed first waits";
    EXPECT_FALSE(in_use({0, client->local().port}));
  });
}

TEST(PassiveOpen, AnEndThatWaitsAfterItsConnectionMayBeBoundAnew) {
  LoopbackRig rig;
  rig.run([&] {
    const auto [sender, receiver] = rig.connected();
    ASSERT_TRUE(receiver->shutdown(SHUT_WR));
    EXPECT_EQ(receiver->bind({net::Stack::kLoopbackAddress, 0}).error().value, EINVAL);
    sender->close();
    rig.sleep(1_ms);
    EXPECT_TRUE(receiver->bind({net::Stack::kLoopbackAddress, 0}).has_value());
  });
}

TEST(PassiveOpen, AServerThatReusesAddressesMayBeStartedAgainAtOnce) {
  LoopbackRig rig;
  rig.run([&] {
    const auto start = [&] {
      const auto socket = rig.stack.create_socket(O_RDWR);
      EXPECT_TRUE(socket->set_option(SOL_SOCKET, SO_REUSEADDR, 1).has_value());
      EXPECT_TRUE(socket->bind(rig.bound).has_value());
      EXPECT_TRUE(socket->listen(1).has_value());
      return socket;
    };
    const auto listener = start();
    for (int i = 0; i < 2; ++i) {
      const auto client = rig.stack.create_socket(O_RDWR);
      EXPECT_TRUE(client->connect(rig.bound).has_value());
      (*listener->accept(nullptr, 0))->close();  // it waits then, and does not stop the next
      rig.sleep(1_ms);
      client->close();
      rig.sleep(1_ms);
    }
    listener->close();
    start();
  });
}

TEST(PassiveOpen, OfSocketsThatShareAPortOneListens) {
  LoopbackRig rig;
  rig.run([&] {
    const auto first = rig.stack.create_socket(O_RDWR);
    const auto second = rig.stack.create_socket(O_RDWR);
    for (const auto& socket : {first, second}) {
      EXPECT_TRUE(socket->set_option(SOL_SOCKET, SO_REUSEADDR, 1).has_value());
      EXPECT_TRUE(socket->bind(rig.bound).has_value());
    }
    EXPECT_TRUE(first->listen(1).has_value());
    EXPECT_EQ(second->listen(1).error().value, EADDRINUSE);
  });
}

TEST(PassiveOpen, ListenersThatShareAPortShareTheConnections) {
  LoopbackRig rig;
  rig.run([&] {
    std::vector<std::shared_ptr<net::TcpSocket>> listeners;
    for (int i = 0; i < 2; ++i) {
      listeners.push_back(rig.stack.create_socket(O_RDWR | O_NONBLOCK));
      EXPECT_TRUE(listeners.back()->set_option(SOL_SOCKET, SO_REUSEPORT, 1).has_value());
      EXPECT_TRUE(listeners.back()->bind(rig.bound).has_value());
      EXPECT_TRUE(listeners.back()->listen(8).has_value());
    }
    std::vector<std::shared_ptr<net::TcpSocket>> clients;
    for (int i = 0; i < 8; ++i) {
      clients.push_back(rig.stack.create_socket(O_RDWR));
      EXPECT_TRUE(clients.back()->connect(rig.bound).has_value());
    }
    for (const auto& listener : listeners) EXPECT_NE(listener->poll() & POLLIN, 0);
  });
}

TEST(PassiveOpen, TheOneAtTheAddressGoesBeforeTheOneEverywhere) {
  LoopbackRig rig;
  rig.run([&] {
    std::vector<std::shared_ptr<net::TcpSocket>> listeners;
    for (const std::uint32_t address : {net::Stack::kLoopbackAddress + 1, net::Stack::kLoopbackAddress + 2}) {
      listeners.push_back(rig.stack.create_socket(O_RDWR | O_NONBLOCK));
      EXPECT_TRUE(listeners.back()->bind({address, rig.bound.port}).has_value());
      EXPECT_TRUE(listeners.back()->listen(8).has_value());
    }
    const auto client = rig.stack.create_socket(O_RDWR);
    EXPECT_EQ(client->connect(rig.bound).error().value, ECONNREFUSED) << "nobody listens at this address";
    EXPECT_TRUE(client->connect({net::Stack::kLoopbackAddress + 2, rig.bound.port}).has_value());
    EXPECT_EQ(listeners[0]->poll() & POLLIN, 0);
    EXPECT_NE(listeners[1]->poll() & POLLIN, 0);
  });
}

TEST(PassiveOpen, APortBelow1024IsForThePrivileged) {
  LoopbackRig rig;
  rig.run([&] {
    const auto socket = rig.stack.create_socket(O_RDWR);
    EXPECT_EQ(socket->bind({0, 80}).error().value, EACCES);
    EXPECT_TRUE(socket->bind({0, 1024}).has_value());
  });
}

TEST(PassiveOpen, ADeferredAcceptWaitsForDataOrForItsTimeToPass) {
  LoopbackRig rig;
  rig.run([&] {
    const auto listener = rig.listening(4, O_RDWR | O_NONBLOCK);
    EXPECT_TRUE(listener->set_option(IPPROTO_TCP, TCP_DEFER_ACCEPT, 3).has_value());
    const auto speaks = rig.stack.create_socket(O_RDWR);
    EXPECT_TRUE(speaks->connect(rig.bound).has_value());
    const auto silent = rig.stack.create_socket(O_RDWR);
    EXPECT_TRUE(silent->connect(rig.bound).has_value());
    rig.sleep(100_ms);
    EXPECT_EQ(listener->accept(nullptr, 0).error().value, EAGAIN);
    EXPECT_EQ(rig.send(*speaks, 0, 10), 10U);
    const auto first = listener->accept(nullptr, 0);
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ((*first)->recv(rig.memory, VirtAddr{0}, 100, 0), 10U);
    EXPECT_EQ(listener->accept(nullptr, 0).error().value, EAGAIN);
    rig.sleep(4'000_ms);
    EXPECT_TRUE(listener->accept(nullptr, 0).has_value());
  });
}

TEST(PassiveOpen, AnOpeningPacketForWhichThereIsNoRoomIsCountedAndComesAgain) {
  LoopbackRig rig;
  rig.run([&] {
    const auto listener = rig.listening(0);
    const auto first = rig.stack.create_socket(O_RDWR);
    EXPECT_TRUE(first->connect(rig.bound).has_value());
    const auto second = rig.stack.create_socket(O_RDWR | O_NONBLOCK);
    EXPECT_EQ(second->connect(rig.bound).error().value, EINPROGRESS);
    EXPECT_EQ(rig.stack.dropped(), 1U);
    EXPECT_TRUE(listener->accept(nullptr, 0).has_value());
    rig.sleep(1'100_ms);
    EXPECT_TRUE(second->connect(rig.bound).has_value());
    EXPECT_EQ(rig.stack.statistics().retransmissions, 1U);
  });
}

TEST(PassiveOpen, APortHasOneListener) {
  LoopbackRig rig;
  rig.run([&] {
    const auto listener = rig.listening();
    const auto second = rig.stack.create_socket(O_RDWR);
    EXPECT_EQ(second->bind(rig.bound).error().value, EADDRINUSE);
    EXPECT_TRUE(second->listen(1).has_value()) << "on a port of its own";
    EXPECT_NE(second->local().port, rig.bound.port);
  });
}

TEST(PassiveOpen, AClosedListenerFreesItsPortAndResetsWhomNobodyAccepted) {
  LoopbackRig rig;
  rig.run([&] {
    const auto listener = rig.listening();
    const auto socket = rig.stack.create_socket(O_RDWR);
    EXPECT_TRUE(socket->connect(rig.bound).has_value());
    listener->close();
    rig.sleep(1_ms);
    EXPECT_EQ(rig.stack.create_socket(O_RDWR)->connect(rig.bound).error().value, ECONNREFUSED);
    rig.listening();
  });
}

}  // namespace
}  // namespace sluice::tests
