// SPDX-License-Identifier: Apache-2.0
// What bounds a connection: low water marks, windows, segments, time.
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

TEST(LowWaterMark, APollAndABlockedReaderWaitForAsMuch) {
  LoopbackRig rig;
  rig.run([&] {
    const auto [sender, receiver] = rig.connected();
    EXPECT_TRUE(receiver->set_option(SOL_SOCKET, SO_RCVLOWAT, 1000).has_value());
    bool read = false;
    rig.scheduler.spawn("reader", [&] {
      EXPECT_EQ(receiver->recv(rig.memory, VirtAddr{4_MiB}, 4000, 0), 1100U);
      read = true;
    });
    rig.sleep(1_ms);
    EXPECT_EQ(rig.send(*sender, 0, 500), 500U);
    rig.sleep(1_ms);
    EXPECT_FALSE(read);
    EXPECT_EQ(receiver->poll() & POLLIN, 0);
    EXPECT_EQ(rig.send(*sender, 0, 600), 600U);
    rig.sleep(1_ms);
    EXPECT_TRUE(read);
    EXPECT_EQ(rig.send(*sender, 0, 1000), 1000U);
    EXPECT_NE(receiver->poll() & POLLIN, 0);
    EXPECT_EQ(receiver->recv(rig.memory, VirtAddr{4_MiB}, 10, 0), 10U) << "never more than is asked for";
  });
}

TEST(NotSentLowWaterMark, APollForRoomWaitsUntilLittleIsLeftToSend) {
  LoopbackRig rig;
  rig.run([&] {
    const auto [sender, receiver] = rig.connected();
    const auto fill = [&, &sender = sender] {
      Bytes sum = 0;
      while (const auto piece = rig.send(*sender, 0, 64_KiB, MSG_DONTWAIT)) sum += *piece;
      return sum;
    };
    const Bytes sent = fill();
    EXPECT_EQ(receiver->recv(rig.memory, VirtAddr{0}, sent * 3 / 4, MSG_TRUNC | MSG_WAITALL), sent * 3 / 4);
    EXPECT_NE(sender->poll() & POLLOUT, 0);
    fill();
    EXPECT_TRUE(sender->set_option(IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16'384).has_value());
    EXPECT_EQ(sender->poll() & POLLOUT, 0);
    EXPECT_EQ(rig.send(*sender, 0, 1, MSG_DONTWAIT).error().value, EAGAIN);
    Bytes got = 0;
    while (const auto piece = receiver->recv(rig.memory, VirtAddr{0}, 1_MiB, MSG_TRUNC | MSG_DONTWAIT)) got += *piece;
    EXPECT_NE(sender->poll() & POLLOUT, 0);
    EXPECT_GT(got, 0U);
  });
}

TEST(MaximumSegment, OfEitherEndLimitsBoth) {
  for (const bool by_listener : {false, true}) {
    LoopbackRig rig;
    rig.run([&] {
      const auto listener = rig.stack.create_socket(O_RDWR);
      const auto sender = rig.stack.create_socket(O_RDWR);
      EXPECT_TRUE((by_listener ? listener : sender)->set_option(IPPROTO_TCP, TCP_MAXSEG, 1000).has_value());
      EXPECT_TRUE(listener->bind(rig.bound).has_value() && listener->listen(1).has_value());
      EXPECT_TRUE(sender->connect(rig.bound).has_value());
      const auto receiver = *listener->accept(nullptr, 0);
      EXPECT_EQ(sender->option(IPPROTO_TCP, TCP_MAXSEG), 988) << "beside the timestamps";
      EXPECT_EQ(receiver->option(IPPROTO_TCP, TCP_MAXSEG), 988);
      EXPECT_EQ(rig.send(*sender, 0, 5000), 5000U);
      EXPECT_EQ(receiver->recv(rig.memory, VirtAddr{4_MiB}, 5000, MSG_WAITALL), 5000U);
    });
  }
}

/// As Linux, which forgets the clamp when the packets teach it what a byte costs.
TEST(WindowClamp, BoundsTheFirstWindow) {
  const auto received = [](int clamp) {
    LoopbackRig rig;
    Bytes waiting = 0;
    rig.run([&] {
      const auto listener = rig.stack.create_socket(O_RDWR);
      if (clamp != 0) {
        EXPECT_TRUE(listener->set_option(IPPROTO_TCP, TCP_WINDOW_CLAMP, clamp).has_value());
      }
      EXPECT_TRUE(listener->bind(rig.bound).has_value() && listener->listen(1).has_value());
      const auto sender = rig.stack.create_socket(O_RDWR);
      EXPECT_TRUE(sender->connect(rig.bound).has_value());
      const auto receiver = *listener->accept(nullptr, 0);
      for (int i = 0; i < 3; ++i) EXPECT_EQ(rig.send(*sender, 0, 8_KiB), 8_KiB);
      waiting = *receiver->recv(rig.memory, VirtAddr{0}, 1_MiB, MSG_TRUNC | MSG_PEEK);
      EXPECT_EQ(receiver->set_option(IPPROTO_TCP, TCP_WINDOW_CLAMP, 0).error().value, EINVAL);
    });
    return waiting;
  };
  EXPECT_EQ(received(20'000), 16'384U);
  EXPECT_EQ(received(0), 24'576U);
}

TEST(FastOpen, IsRefusedOnAConnection) {
  LoopbackRig rig;
  rig.run([&] {
    const auto [sender, receiver] = rig.connected();
    EXPECT_EQ(sender->set_option(IPPROTO_TCP, TCP_FASTOPEN, 5).error().value, EINVAL);
    EXPECT_TRUE(rig.stack.create_socket(O_RDWR)->set_option(IPPROTO_TCP, TCP_FASTOPEN, 5).has_value());
  });
}

TEST(ZeroWindow, IsProbedForAWhileAndThenNothingIsLeftToHappen) {
  LoopbackRig rig;
  Picoseconds ended;
  std::shared_ptr<net::TcpSocket> sender;
  std::shared_ptr<net::TcpSocket> receiver;
  rig.run([&] {
    const auto pair = rig.connected();
    sender = pair.sender;
    receiver = pair.receiver;
    rig.scheduler.spawn("sender", [&] { (void)rig.send(*sender, 0, 8_MiB); });
  });
  ASSERT_EQ(rig.scheduler.unfinished().size(), 1U);
  EXPECT_EQ(rig.scheduler.unfinished()[0]->waits_for(), "room in a send buffer");
  const double seconds = static_cast<double>(rig.fake.time().count()) / static_cast<double>(kPicosecondsPerSecond);
  EXPECT_GT(seconds, 60.0);
  EXPECT_LT(seconds, 1200.0);
  // Whoever reads after all lets it go on.
  rig.scheduler.spawn("reader", [&] {
    while (const auto piece = receiver->recv(rig.memory, VirtAddr{0}, 1_MiB, MSG_TRUNC)) {
      if (*piece == 0 || rig.scheduler.unfinished().size() == 1) break;
    }
  });
  rig.fake.run_all(64);
  EXPECT_TRUE(rig.scheduler.unfinished().empty() || rig.scheduler.unfinished()[0]->name() == "reader");
}

TEST(UserTimeout, EndsAConnectionWhoseWindowStaysClosed) {
  LoopbackRig rig;
  rig.run([&] {
    const auto [sender, receiver] = rig.connected();
    EXPECT_TRUE(sender->set_option(IPPROTO_TCP, TCP_USER_TIMEOUT, 3000).has_value());
    EXPECT_LT(*rig.send(*sender, 0, 8_MiB), 8_MiB);
    const Picoseconds now = rig.fake.time();
    EXPECT_GE(now, 3'000_ms);
    EXPECT_LT(now, 4'000_ms);
    EXPECT_EQ(rig.send(*sender, 0, 1).error().value, ETIMEDOUT);
  });
}

}  // namespace
}  // namespace sluice::tests
