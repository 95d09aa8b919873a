// SPDX-License-Identifier: Apache-2.0
// Which packets TCP makes of what programs write. MSS 1448 throughout (MTU 1500, timestamps).
#include <fcntl.h>
#include <poll.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "tests/kernel_sim/net/test_bench.h"

namespace sluice::tests {
namespace {

using Sizes = std::vector<Bytes>;
constexpr net::DeviceFeatures kAllOffloads{true, true, true, 1500};

net::NetConfig without_autocork() {
  net::NetConfig config;
  config.autocork = false;
  return config;
}

TEST(SlowStart, BeginsWithTenSegmentsAndDoublesEachRound) {
  TestBench bench;
  bench.acknowledges = false;
  bench.run([&] {
    const auto socket = bench.connect();
    socket->set_flags(O_RDWR | O_NONBLOCK);
    ASSERT_TRUE(bench.send(*socket, 0, 1_MiB).has_value());
    bench.sleep(100_us);
    // Half of the window at a time: 2 packets of 5 segments.
    EXPECT_EQ(bench.data_sizes(), (Sizes{7240, 7240}));
    Bytes sent = 14480;
    for (const Bytes flight : {28960U, 57920U, 115840U}) {
      const Bytes before = bench.stream.size();
      bench.acknowledge(sent, 4 << 20);
      bench.sleep(20_us);
      Bytes more = sent;  // keep the buffer filled
      while (bench.send(*socket, more % 1_MiB, 65536).has_value()) more += 65536;
      bench.sleep(100_us);
      EXPECT_EQ(bench.stream.size() - before, flight);
      sent += flight;
    }
  });
}

TEST(Segmentation, FillsPacketsWithFortyFiveSegments) {
  net::NetConfig config;
  config.initial_window = 1000;
  TestBench bench{kAllOffloads, config};
  bench.run([&] {
    const auto socket = bench.connect();
    EXPECT_EQ(bench.send(*socket, 0, 200000), 200000U);
    bench.sleep(1_ms);
  });
  // 45 x 1448 = 65160, the most that fits in 64 KiB with headers.
  EXPECT_EQ(bench.data_sizes(), (Sizes{65160, 65160, 65160, 4520}));
  const auto packets = bench.data_packets();
  EXPECT_EQ(packets[0].segment, 1448);
  EXPECT_EQ(packets[0].frames, 45U);
  EXPECT_TRUE(packets[0].checksum_by_device);
  EXPECT_EQ(packets[0].fragments, 2U);  // two blocks of 32 KiB
  EXPECT_EQ(packets[3].header.flags, nic::tcp_flag::kAck | nic::tcp_flag::kPush);
}

TEST(Segmentation, LargePacketsCarryPushAndSingleSegmentsOnlyWhenPushed) {
  TestBench bench{kAllOffloads, without_autocork()};
  bench.run([&] {
    const auto socket = bench.connect();
    EXPECT_EQ(bench.send(*socket, 0, 2896, MSG_MORE), 2896U);
    EXPECT_EQ(bench.send(*socket, 2896, 1500, MSG_MORE), 1500U);
    ASSERT_EQ(bench.data_sizes(), (Sizes{2896, 1448}));
    EXPECT_NE(bench.data_packets()[0].header.flags & nic::tcp_flag::kPush, 0);
    EXPECT_EQ(bench.data_packets()[1].header.flags & nic::tcp_flag::kPush, 0);
  });
}

TEST(Segmentation, HalfOfASmallWindowBoundsAPacket) {
  net::NetConfig config;
  config.initial_window = 1000;
  config.grow_packets = false;
  TestBench bench{kAllOffloads, config};
  bench.window = [] { return 16384U; };
  bench.run([&] {
    const auto socket = bench.connect();
    EXPECT_EQ(bench.send(*socket, 0, 100000), 100000U);
    bench.sleep(1_ms);
  });
  EXPECT_TRUE(bench.received_user_bytes(100000));
  for (const Bytes size : bench.data_sizes()) EXPECT_LE(size, 7240U);  // 5 x 1448 is the most in 8192
}

TEST(Nagle, HoldsASmallSegmentWhileAnotherIsOut) {
  TestBench bench{kAllOffloads, without_autocork()};
  bench.run([&] {
    const auto socket = bench.connect();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(bench.send(*socket, static_cast<Bytes>(i) * 100, 100), 100U);
    bench.sleep(1_ms);
  });
  EXPECT_EQ(bench.data_sizes(), (Sizes{100, 200}));
  EXPECT_TRUE(bench.received_user_bytes(300));
}

TEST(Nagle, IsOffWithNoDelay) {
  TestBench bench{kAllOffloads, without_autocork()};
  bench.run([&] {
    const auto socket = bench.connect();
    ASSERT_TRUE(socket->set_option(IPPROTO_TCP, TCP_NODELAY, 1).has_value());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(bench.send(*socket, static_cast<Bytes>(i) * 100, 100), 100U);
  });
  EXPECT_EQ(bench.data_sizes(), (Sizes{100, 100, 100}));
}

TEST(Nagle, LetsASmallSegmentFollowFullOnes) {
  TestBench bench{kAllOffloads, without_autocork()};
  bench.acknowledges = false;
  bench.run([&] {
    const auto socket = bench.connect();
    EXPECT_EQ(bench.send(*socket, 0, 1448), 1448U);
    EXPECT_EQ(bench.send(*socket, 1448, 100), 100U);
    EXPECT_EQ(bench.send(*socket, 1548, 100), 100U);
    EXPECT_EQ(bench.data_sizes(), (Sizes{1448, 100}));
  });
}

TEST(More, JoinsTheNextCall) {
  TestBench bench;
  bench.run([&] {
    const auto socket = bench.connect();
    EXPECT_EQ(bench.send(*socket, 0, 100, MSG_MORE), 100U);
    EXPECT_EQ(bench.send(*socket, 100, 100), 100U);
  });
  EXPECT_EQ(bench.data_sizes(), (Sizes{200}));
}

TEST(More, HoldsOnlyTheLastSegmentThatIsNotFull) {
  TestBench bench{kAllOffloads, without_autocork()};
  bench.run([&] {
    const auto socket = bench.connect();
    EXPECT_EQ(bench.send(*socket, 0, 2000, MSG_MORE), 2000U);
    EXPECT_EQ(bench.data_sizes(), (Sizes{1448}));
    EXPECT_EQ(bench.send(*socket, 2000, 100), 100U);
  });
  EXPECT_EQ(bench.data_sizes(), (Sizes{1448, 652}));
}

TEST(More, IsForgottenAfterTwoHundredMilliseconds) {
  TestBench bench;
  bench.run([&] {
    const auto socket = bench.connect();
    EXPECT_EQ(bench.send(*socket, 0, 100, MSG_MORE), 100U);
    bench.sleep(199_ms);
    EXPECT_EQ(bench.data_sizes(), Sizes{});
    bench.sleep(10_ms);  // a round trip and two ticks
    EXPECT_EQ(bench.data_sizes(), Sizes{100});
  });
}

TEST(More, ATailThatItsTimerLetGoHoldsBackNoOther) {
  TestBench bench;
  bench.acknowledges = false;
  bench.run([&] {
    const auto socket = bench.connect();
    EXPECT_EQ(bench.send(*socket, 0, 200, MSG_MORE), 200U);
    bench.sleep(210_ms);
    EXPECT_EQ(bench.data_sizes(), Sizes{200});
    EXPECT_EQ(bench.send(*socket, 200, 100), 100U);
    EXPECT_EQ(bench.data_sizes(), (Sizes{200, 100}));
  });
}

TEST(Cork, HoldsUntilItIsPulled) {
  TestBench bench;
  bench.run([&] {
    const auto socket = bench.connect();
    ASSERT_TRUE(socket->set_option(IPPROTO_TCP, TCP_CORK, 1).has_value());
    EXPECT_EQ(bench.send(*socket, 0, 100), 100U);
    EXPECT_EQ(bench.send(*socket, 100, 100), 100U);
    EXPECT_EQ(bench.data_sizes(), Sizes{});
    ASSERT_TRUE(socket->set_option(IPPROTO_TCP, TCP_CORK, 0).has_value());
  });
  EXPECT_EQ(bench.data_sizes(), Sizes{200});
}

TEST(Autocork, WaitsForTheInterfaceToGiveBackAPacket) {
  net::NetConfig config;
  TestBench bench{kAllOffloads, config};
  bench.completion_delay = 10_us;
  bench.round_trip = 1_ms;
  bench.run([&] {
    const auto socket = bench.connect();
    bench.sleep(1_ms);
    ASSERT_TRUE(socket->set_option(IPPROTO_TCP, TCP_NODELAY, 1).has_value());
    EXPECT_EQ(bench.send(*socket, 0, 500), 500U);
    EXPECT_EQ(bench.send(*socket, 500, 100), 100U);  // smaller than what the interface holds
    EXPECT_EQ(bench.send(*socket, 600, 100), 100U);
    EXPECT_EQ(bench.data_sizes(), Sizes{500});
    bench.sleep(50_us);
    EXPECT_EQ(bench.data_sizes(), (Sizes{500, 200}));
  });
}

TEST(Splice, RefersToPagesAndCorksWhileMoreIsToCome) {
  net::NetConfig config;
  config.initial_window = 1000;
  TestBench bench{kAllOffloads, config};
  bench.run([&] {
    const auto socket = bench.connect();
    PageSource first{bench.frames, bench.pages(0, 65536)};
    EXPECT_EQ(socket->splice_write(first, 65536, nullptr, SPLICE_F_MORE), 65536U);
    PageSource second{bench.frames, bench.pages(65536, 65536)};
    EXPECT_EQ(socket->splice_write(second, 65536, nullptr, 0), 65536U);
    bench.sleep(1_ms);
  });
  // 65536 = 45 segments and 376 bytes, which wait for the second pipeful. Pages split between packets count in both.
  EXPECT_EQ(bench.data_sizes(), (Sizes{65160, 65160, 752}));
  EXPECT_EQ(bench.data_packets()[0].fragments, 16U);
  EXPECT_EQ(bench.data_packets()[1].fragments, 17U);
  EXPECT_TRUE(bench.received_user_bytes(131072));
  EXPECT_EQ(bench.fake.copied_bytes(), 0U);
}

TEST(Splice, TheEndOfTheFileSendsWhatWaitedForMore) {
  for (const unsigned batch : {16U, 1U}) {
    net::NetConfig config;
    config.splice_batch = batch;
    TestBench bench{kAllOffloads, config};
    bench.run([&] {
      const auto socket = bench.connect();
      PageSource pages{bench.frames, bench.pages(0, 100)};
      EXPECT_EQ(socket->splice_write(pages, 100, nullptr, SPLICE_F_MORE), 100U);
      EXPECT_EQ(bench.data_sizes(), Sizes{});
      socket->splice_end();
      bench.sleep(1_ms);
      EXPECT_EQ(bench.data_sizes(), batch == 1 ? Sizes{} : Sizes{100}) << batch;
    });
  }
}

TEST(Splice, GivesItsPagesBackWhenTheyAreAcknowledgedAndSent) {
  TestBench bench;
  bench.run([&] {
    const auto socket = bench.connect();
    const auto pages = bench.pages(0, 65536);
    PageSource source{bench.frames, pages};
    bench.completes = false;
    EXPECT_EQ(socket->splice_write(source, 65536, nullptr, 0), 65536U);
    bench.sleep(2_ms);
    EXPECT_TRUE(bench.received_user_bytes(65536));
    // Acknowledged, yet the interface has not said that it is done with them.
    EXPECT_EQ(bench.frames.references(Frame::of(pages[0].address)), 1U);
    bench.complete_all();
    bench.sleep(1_ms);
    for (const auto& page : pages) EXPECT_EQ(bench.frames.references(Frame::of(page.address)), 0U);
  });
  EXPECT_TRUE(bench.frames.breaches().empty());
}

TEST(SendBuffer, ANonBlockingCallFillsItAndIsThenTurnedAway) {
  TestBench bench;
  bench.acknowledges = false;
  bench.run([&] {
    const auto socket = bench.connect();
    EXPECT_EQ(socket->option(SOL_SOCKET, SO_SNDBUF), 87040);  // 2 x 10 x 4352, as ss shows on Ethernet
    // Ten segments leave in two packets, accounted 2 x 8520. Two full packets of 66440 wait behind them: the second
    // was begun at 83480.
    EXPECT_EQ(bench.send(*socket, 0, 1_MiB, MSG_DONTWAIT), 14480U + 2 * 65160U);
    EXPECT_EQ(bench.send(*socket, 0, 1_MiB, MSG_DONTWAIT).error().value, EAGAIN);
    EXPECT_EQ(socket->poll() & POLLOUT, 0);
  });
}

TEST(SendBuffer, ASenderSleepsUntilAThirdIsFree) {
  net::NetConfig config;
  config.initial_window = 1000;
  TestBench bench{kAllOffloads, config};
  bench.acknowledges = false;
  bench.run([&] {
    const auto socket = bench.connect();
    ASSERT_TRUE(socket->set_option(SOL_SOCKET, SO_SNDBUF, 150000).has_value());  // 300000
    constexpr Bytes kPacket = 65160 + 832;  // as it is accounted; five fit, for the last begins at 263968
    bool done = false;
    bench.scheduler.spawn("sender", [&] {
      EXPECT_EQ(bench.send(*socket, 0, 400000), 400000U);
      done = true;
    });
    bench.sleep(1_ms);
    EXPECT_EQ(socket->connection().queued_memory(), 5 * kPacket);
    bench.acknowledge(65160, 4 << 20);
    bench.sleep(100_us);
    EXPECT_FALSE(done);  // 263968 queued, 36032 free: less than half of what is queued
    bench.acknowledge(2 * 65160, 4 << 20);
    bench.sleep(100_us);
    EXPECT_TRUE(done);  // 197976 queued, 102024 free: more than half of it
    EXPECT_EQ(socket->connection().queued_memory(), 4 * kPacket + 832 + 9040);
  });
}

TEST(SendBuffer, GrowsWithTheCongestionWindow) {
  TestBench bench;
  bench.run([&] {
    const auto socket = bench.connect();
    EXPECT_EQ(bench.send(*socket, 0, 8_MiB), 8_MiB);
    const Bytes window = socket->connection().congestion().window();
    EXPECT_GT(window, 100U);
    EXPECT_GT(socket->connection().send_buffer(), 2 * 100 * 4352U);
    EXPECT_LE(socket->connection().send_buffer(), 4_MiB);
    bench.sleep(10_ms);
  });
  EXPECT_TRUE(bench.received_user_bytes(8_MiB));
}

TEST(SmallQueues, LimitWhatOneConnectionHasInTheInterface) {
  net::NetConfig config;
  config.initial_window = 10000;
  config.wmem_max = 64_MiB;
  TestBench bench{kAllOffloads, config};
  bench.completes = false;
  bench.acknowledges = false;
  bench.run([&] {
    const auto socket = bench.connect();
    EXPECT_EQ(bench.send(*socket, 0, 4_MiB), 4_MiB);
    // Packets go until their accounts pass 1 MiB: 16 x 66440 = 1063040 (and the handshake's acknowledgment, 1280).
    EXPECT_EQ(bench.data_sizes().size(), 16U);
    bench.complete_all();
    bench.sleep(1_ms);
    EXPECT_EQ(bench.data_sizes().size(), 32U);
  });
}

TEST(Window, AZeroWindowIsProbedAndAnUpdateResumes) {
  TestBench bench;
  bench.acknowledges = false;
  bench.run([&] {
    const auto socket = bench.connect();
    EXPECT_EQ(bench.send(*socket, 0, 20000), 20000U);
    bench.acknowledge(14480, 0);
    bench.sleep(100_us);
    EXPECT_EQ(bench.stream.size(), 14480U);
    const auto before = bench.sent.size();
    bench.sleep(210_ms);
    ASSERT_EQ(bench.sent.size(), before + 1);  // one byte before what is expected, to be answered
    EXPECT_EQ(bench.sent.back().header.sequence, bench.first_byte + 14480 - 1);
    bench.acknowledge(14480, 1 << 20);
    bench.sleep(100_us);
    EXPECT_TRUE(bench.received_user_bytes(20000));
  });
}

TEST(Retransmission, AfterATimeOutGoesBackToTheFirstUnacknowledgedByte) {
  TestBench bench;
  bench.run([&] {
    const auto socket = bench.connect();
    EXPECT_EQ(bench.send(*socket, 0, 1000), 1000U);
    bench.sleep(1_ms);
    bench.acknowledges = false;  // what follows is lost
    const auto good = bench.stream;
    EXPECT_EQ(bench.send(*socket, 1000, 20000), 20000U);
    bench.sleep(1_ms);
    bench.stream = good;
    bench.acknowledges = true;
    EXPECT_EQ(socket->connection().unacknowledged(), 14480U);
    bench.sleep(250_ms);
    EXPECT_TRUE(bench.received_user_bytes(21000));
    EXPECT_EQ(socket->connection().unacknowledged(), 0U);
    EXPECT_GT(bench.stack.statistics().retransmissions, 0U);
    EXPECT_EQ(socket->connection().queued_memory(), 0U);
  });
}

}  // namespace
}  // namespace sluice::tests
