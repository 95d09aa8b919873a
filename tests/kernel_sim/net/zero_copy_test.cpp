// SPDX-License-Identifier: Apache-2.0
// MSG_ZEROCOPY: pages that a program lends, and what it is told of them.
#include "kernel_sim/net/zero_copy.h"

#include <ctime>
#include <poll.h>

#include <gtest/gtest.h>
#include <linux/errqueue.h>
#include <sys/socket.h>

#include "kernel_sim/mm/vectored_memory.h"
#include "tests/kernel_sim/net/test_bench.h"

namespace sluice::tests {
namespace {

using kernel_sim::SocketError;

SocketError told(std::uint32_t first, std::uint32_t last, bool copied = false) {
  return {.origin = SO_EE_ORIGIN_ZEROCOPY,
          .code = static_cast<std::uint8_t>(copied ? SO_EE_CODE_ZEROCOPY_COPIED : 0),
          .info = first,
          .data = last};
}

struct Rig : TestBench {
  explicit Rig(net::DeviceFeatures features = {true, true, true, 1500}, net::NetConfig net_config = {})
      : TestBench(features, net_config), lent(machine, frames, pages(0, 32 * kPageSize)) {}

  std::shared_ptr<net::TcpSocket> lender() {
    auto socket = connect();
    EXPECT_TRUE(socket->set_option(SOL_SOCKET, SO_ZEROCOPY, 1).has_value());
    return socket;
  }
  Result<Bytes> lend(net::TcpSocket& socket, Bytes at, Bytes size, int flags = MSG_ZEROCOPY) {
    return socket.send(lent, VirtAddr{at}, size, flags);
  }
  /// All that is in the error queue, after everything was acknowledged.
  std::vector<SocketError> records(net::TcpSocket& socket) {
    sleep(1_ms);
    std::vector<SocketError> found;
    while (const auto record = socket.receive_error()) found.push_back(*record);
    EXPECT_EQ(socket.poll() & POLLERR, 0);
    return found;
  }
  [[nodiscard]] Bytes copied() { return fake.ledger().total_by(Mover::Cpu).payload; }
  [[nodiscard]] Bytes passed() { return fake.ledger().total_by(Mover::Reference).payload; }

  PagedUserMemory lent;
};
using Records = std::vector<SocketError>;

TEST(ZeroCopy, LentPagesGoOutUncopiedAndComeBackWhenTheyAreAcknowledged) {
  Rig rig;
  rig.acknowledges = false;
  rig.run([&] {
    const auto socket = rig.lender();
    EXPECT_EQ(rig.lend(*socket, 100, 10'000), 10'000U);
    rig.sleep(1_ms);
    EXPECT_FALSE(rig.lent.all_free()) << "they may have to be sent again";
    EXPECT_EQ(socket->poll() & POLLERR, 0);
    EXPECT_EQ(socket->receive_error().error().value, EAGAIN);
    rig.acknowledge(10'000, 1 << 20);
    rig.sleep(100_us);
    EXPECT_TRUE(rig.lent.all_free());
    EXPECT_EQ(socket->poll() & POLLERR, POLLERR);
    EXPECT_EQ(rig.records(*socket), Records{told(0, 0)});
  });
  EXPECT_EQ(rig.stream.size(), 10'000U);
  EXPECT_EQ(rig.copied(), 0U);
  EXPECT_EQ(rig.passed(), 10'000U);
}

TEST(ZeroCopy, WithoutTheOptionTheFlagSaysNothing) {
  Rig rig;
  rig.run([&] {
    const auto socket = rig.connect();
    EXPECT_EQ(rig.lend(*socket, 0, 10'000), 10'000U);
    EXPECT_EQ(rig.records(*socket), Records{});
  });
  EXPECT_EQ(rig.copied(), 10'000U);
}

TEST(ZeroCopy, CallsInARowAreToldOfTogether) {
  Rig rig;
  rig.run([&] {
    const auto socket = rig.lender();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(rig.lend(*socket, 0, 20'000), 20'000U);
    EXPECT_EQ(rig.records(*socket), Records{told(0, 2)});
    EXPECT_EQ(rig.lend(*socket, 0, 20'000), 20'000U);
    EXPECT_EQ(rig.lend(*socket, 0, 0), 0U) << "no bytes, no call to be told of";
    EXPECT_EQ(rig.lend(*socket, 0, 1000, 0), 1000U);
    EXPECT_EQ(rig.records(*socket), Records{told(3, 3)});
  });
}

TEST(ZeroCopy, AnErrorQueueJoinsOnlyWhatFollows) {
  net::ErrorQueue queue;
  net::ZeroCopyCalls calls;
  calls.count = 3;
  EXPECT_TRUE(queue.add(calls));
  calls.first = 3;
  calls.copied = true;
  EXPECT_FALSE(queue.add(calls));
  calls.first = 8;
  EXPECT_TRUE(queue.add(calls));
  EXPECT_EQ(queue.take(), told(0, 5)) << "what the first said of copies stays, as in Linux";
  EXPECT_EQ(queue.take(), told(8, 10, true));
  EXPECT_EQ(queue.take(), std::nullopt);
}

TEST(ZeroCopy, ACallThatFailsGivesItsNumberToTheNext) {
  Rig rig;
  rig.run([&] {
    const auto socket = rig.lender();
    EXPECT_EQ(rig.lend(*socket, 100 * kPageSize, 1000).error().value, EFAULT);
    EXPECT_EQ(rig.lend(*socket, 31 * kPageSize, 2 * kPageSize).error().value, EFAULT) << "all of a packet or nothing";
    EXPECT_TRUE(rig.lent.all_free());
    EXPECT_EQ(rig.lend(*socket, 0, 1000), 1000U);
    EXPECT_EQ(rig.records(*socket), Records{told(0, 0)});
  });
}

TEST(ZeroCopy, AKernelThatBuildsNoPagesForSuchAnInterfaceCopiesAtOnceAndSaysSo) {
  net::NetConfig config;
  config.gso = false;
  Rig rig{{false, true, false, 1500}, config};
  rig.run([&] {
    const auto socket = rig.lender();
    EXPECT_EQ(rig.lend(*socket, 0, 10'000), 10'000U);
    EXPECT_TRUE(rig.lent.all_free());
    EXPECT_EQ(rig.records(*socket), Records{told(0, 0, true)});
  });
  EXPECT_EQ(rig.copied(), 10'000U);
}

/// As Linux over an interface without scatter-gather: 60,000 bytes, which are cut, and 500, which are one frame.
TEST(ZeroCopy, OfTheCopyAtTransmitOnlyASingleFrameTells) {
  Rig rig{{false, true, false, 1500}};
  rig.run([&] {
    const auto socket = rig.lender();
    EXPECT_EQ(rig.lend(*socket, 0, 4 * 1448), 4U * 1448);
    EXPECT_EQ(rig.records(*socket), Records{told(0, 0)});
    EXPECT_EQ(rig.lend(*socket, 0, 500), 500U);
    EXPECT_EQ(rig.records(*socket), (Records{told(1, 1, true)}));
  });
  EXPECT_EQ(rig.copied(), 4U * 1448 + 500);
}

TEST(ZeroCopy, MoreThanAUserMayLockIsRefused) {
  net::NetConfig config;
  config.memory_lock = 64_KiB;
  Rig rig{{true, true, true, 1500}, config};
  rig.run([&] {
    const auto socket = rig.lender();
    EXPECT_EQ(rig.lend(*socket, 0, 15 * kPageSize).error().value, ENOBUFS) << "two pages more, for its ends";
    EXPECT_EQ(rig.lend(*socket, 0, 14 * kPageSize), 14 * kPageSize);
    EXPECT_EQ(rig.lend(*socket, 0, 1000).error().value, ENOBUFS);
    EXPECT_EQ(rig.records(*socket), Records{told(0, 0)});
    EXPECT_EQ(rig.lend(*socket, 0, 14 * kPageSize), 14 * kPageSize) << "they are free again";
  });
}

TEST(ZeroCopy, MoreRecordsThanASocketMayHaveAreRefused) {
  net::NetConfig config;
  config.optmem_max = 1_KiB;  // one record is 832 bytes
  Rig rig{{true, true, true, 1500}, config};
  rig.run([&] {
    const auto socket = rig.lender();
    EXPECT_EQ(rig.lend(*socket, 0, 1448), 1448U);
    EXPECT_EQ(rig.lend(*socket, 0, 1448).error().value, ENOBUFS);
    rig.sleep(1_ms);
    EXPECT_EQ(rig.lend(*socket, 0, 1448).error().value, ENOBUFS) << "the record waits in the queue";
    EXPECT_EQ(rig.records(*socket), Records{told(0, 0)});
    EXPECT_EQ(rig.lend(*socket, 0, 1448), 1448U);
  });
}

TEST(ZeroCopy, OnlyTheLastOfSeveralSmallPacketsWaitsForNaglesSake) {
  Rig rig;
  rig.acknowledges = false;
  rig.run([&] {
    const auto socket = rig.lender();
    ASSERT_TRUE(socket->set_option(SOL_SOCKET, SO_SNDBUF, 200'000).has_value()) << "each piece takes a page of it";
    std::vector<mm::MemoryPiece> pieces;  // 17 of them fill a packet
    for (unsigned i = 0; i < 40; ++i) pieces.push_back({VirtAddr{(i % 32) * kPageSize + (i / 32) * 100}, 50});
    mm::VectoredMemory all{rig.lent, std::move(pieces)};
    EXPECT_EQ(socket->send(all, all.begin(), all.size(), MSG_ZEROCOPY), 2000U);
    rig.sleep(1_ms);
    EXPECT_EQ(rig.data_sizes(), (std::vector<Bytes>{850, 850}));
    rig.acknowledge(1700, 1 << 20);
    rig.sleep(1_ms);
    EXPECT_EQ(rig.data_sizes(), (std::vector<Bytes>{850, 850, 300}));
  });
}

TEST(ZeroCopy, WhoHasClosedTheSocketIsNotTold) {
  Rig rig;
  rig.run([&] {
    const auto socket = rig.lender();
    EXPECT_EQ(rig.lend(*socket, 0, 10'000), 10'000U);
    socket->close();
    EXPECT_EQ(rig.records(*socket), Records{});
    EXPECT_TRUE(rig.lent.all_free());
  });
}

}  // namespace
}  // namespace sluice::tests
