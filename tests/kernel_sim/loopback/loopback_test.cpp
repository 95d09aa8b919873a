// SPDX-License-Identifier: Apache-2.0
// Both ends of a connection on one stack: passive open, and packets that share the sender's pages.
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

/// A pipe with so many free slots.
class SmallSink final : public fs::SpliceSink {
 public:
  explicit SmallSink(unsigned slots) : m_slots(slots) {}
  [[nodiscard]] unsigned free_slots() const override { return m_slots - static_cast<unsigned>(taken.size()); }
  bool push(const mm::Fragment& fragment, Place) override {
    if (free_slots() == 0) return false;
    taken.push_back(fragment);
    return true;
  }

  std::vector<mm::Fragment> taken;

 private:
  unsigned m_slots;
};

TEST(Loopback, BytesThatOneEndWritesTheOtherReads) {
  LoopbackRig rig;
  rig.run([&] {
    const auto [sender, receiver] = rig.connected();
    EXPECT_EQ(rig.send(*sender, 0, 100'000), 100'000U);
    EXPECT_EQ(receiver->recv(rig.memory, VirtAddr{4_MiB}, 100'000, MSG_WAITALL), 100'000U);
    EXPECT_TRUE(rig.same_bytes(0, 4_MiB, 100'000));
    EXPECT_EQ(receiver->peer().port, sender->local().port);
    EXPECT_EQ(sender->local().address, net::Stack::kLoopbackAddress);
  });
  EXPECT_TRUE(rig.sent.empty()) << "nothing goes out by the card";
}

TEST(Loopback, PagesArriveAsReferencesAndAreFreedWhenBothEndsLetGo) {
  LoopbackRig rig;
  rig.run([&] {
    const auto [sender, receiver] = rig.connected();
    const auto pages = rig.pages(0, 10 * kPageSize);
    const Frame first = Frame::of(pages[0].address);
    PageSource source{rig.frames, pages};
    EXPECT_EQ(sender->splice_write(source, 10 * kPageSize, nullptr, 0), 10 * kPageSize);
    EXPECT_GE(rig.frames.references(first), 1U) << "the packet on the way holds it";
    EXPECT_EQ(receiver->recv(rig.memory, VirtAddr{0}, 1_MiB, MSG_TRUNC), 10 * kPageSize);
    rig.sleep(50_ms);
    EXPECT_EQ(rig.frames.held_frames(Place::PageCache), 0U);
  });
  EXPECT_EQ(rig.fake.ledger().total_by(Mover::Cpu).payload, 0U);
}

TEST(Loopback, ALocalReceiverGetsCopiesOfPagesThatAProgramLends) {
  LoopbackRig rig;
  PagedUserMemory lent{rig.machine, rig.frames, rig.pages(0, 10 * kPageSize)};
  constexpr Bytes kSize = 30'000;
  rig.run([&] {
    const auto [sender, receiver] = rig.connected();
    ASSERT_TRUE(sender->set_option(SOL_SOCKET, SO_ZEROCOPY, 1).has_value());
    EXPECT_EQ(sender->send(lent, VirtAddr{100}, kSize, MSG_ZEROCOPY), kSize);
    rig.sleep(1_ms);
    EXPECT_EQ(rig.fake.ledger().total_by(Mover::Cpu).payload, kSize)
        << "when they are delivered, not when they are read";
    EXPECT_EQ(receiver->recv(rig.memory, VirtAddr{4_MiB}, kSize, MSG_WAITALL), kSize);
    EXPECT_TRUE(rig.same_bytes(100, 4_MiB, kSize));
    rig.sleep(50_ms);
    EXPECT_TRUE(lent.all_free());
    const auto record = sender->receive_error();
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->code, SO_EE_CODE_ZEROCOPY_COPIED);
    EXPECT_EQ(rig.frames.held_frames(Place::ReceiverSocketBuffer), 0U);
  });
}

TEST(Loopback, APacketWhoseSecondPieceCannotBeCopiedStaysWhole) {
  LoopbackRig rig;
  rig.run([&] {
    const auto [sender, receiver] = rig.connected();
    PageSource source{rig.frames, rig.pages(0, 2 * kPageSize)};
    EXPECT_EQ(sender->splice_write(source, 2 * kPageSize, nullptr, 0), 2 * kPageSize);
    rig.memory.limit = 4_MiB + kPageSize + 100;
    EXPECT_EQ(receiver->recv(rig.memory, VirtAddr{4_MiB}, 2 * kPageSize, 0).error().value, EFAULT);
    rig.memory.limit = TestBench::kUserSize;
    EXPECT_EQ(receiver->recv(rig.memory, VirtAddr{4_MiB}, 2 * kPageSize, 0), 2 * kPageSize);
    EXPECT_TRUE(rig.same_bytes(0, 4_MiB, 2 * kPageSize));
  });
}

/// As Linux 6.18: splice into a pipe with one free slot moves 1829 bytes, or 100.
TEST(Loopback, BytesThatFollowEachOtherInAPageTakeOneSlotOfAPipeWhenTheFirstWereAcknowledged) {
  for (const bool delays : {false, true}) {
    LoopbackRig rig;
    rig.run([&] {
      const auto [sender, receiver] = rig.connected();
      ASSERT_TRUE(sender->set_option(IPPROTO_TCP, TCP_NODELAY, 1).has_value());
      for (unsigned i = 0; delays && i < 2; ++i) {
        EXPECT_EQ(rig.send(*sender, 0, 1), 1U);
        EXPECT_EQ(receiver->recv(rig.memory, VirtAddr{0}, 1, 0), 1U);
        EXPECT_EQ(rig.send(*receiver, 0, 1), 1U);
        EXPECT_EQ(sender->recv(rig.memory, VirtAddr{0}, 1, 0), 1U);
      }
      EXPECT_EQ(sender->connection().unacknowledged(), 0U);
      const Bytes first = delays ? 100 : 1828;
      EXPECT_EQ(rig.send(*sender, 0, first), first);
      EXPECT_EQ(rig.send(*sender, 0, 1), 1U);
      EXPECT_EQ(sender->connection().unacknowledged(), delays ? first + 1 : 0U);
      SmallSink slot{1};
      EXPECT_EQ(receiver->splice_read(slot, kPageSize, nullptr, SPLICE_F_NONBLOCK), delays ? first : first + 1);
      for (const mm::Fragment& fragment : slot.taken) rig.frames.put(fragment);
    });
  }
}

/// After two rounds of request and answer, an answer in two small parts: how long the second part takes.
Picoseconds wait_for_second_part(const std::function<void(net::TcpSocket& server, net::TcpSocket& client)>& prepare,
                                 int first_flags = 0) {
  LoopbackRig rig;
  Picoseconds waited;
  rig.run([&] {
    const auto [server, client] = rig.connected();
    const auto pass_byte = [&](net::TcpSocket& from, net::TcpSocket& to) {
      EXPECT_EQ(rig.send(from, 0, 1), 1U);
      EXPECT_EQ(to.recv(rig.memory, VirtAddr{0}, 1, 0), 1U);
    };
    for (unsigned i = 0; i < 2; ++i) {
      pass_byte(*client, *server);
      pass_byte(*server, *client);
    }
    pass_byte(*client, *server);
    prepare(*server, *client);
    const Picoseconds began = rig.fake.time();
    EXPECT_EQ(rig.send(*server, 0, 1, first_flags), 1U);
    EXPECT_EQ(rig.send(*server, 0, 1), 1U);
    EXPECT_EQ(client->recv(rig.memory, VirtAddr{0}, 2, MSG_WAITALL), 2U);
    waited = rig.fake.time() - began;
  });
  return waited;
}

TEST(RequestAndAnswer, ASecondSmallPartWaitsForADelayedAcknowledgment) {
  const Picoseconds waited = wait_for_second_part([](auto&, auto&) {});
  EXPECT_GE(waited, 40_ms);
  EXPECT_LT(waited, 44_ms);
}

TEST(RequestAndAnswer, NoDelayMoreCorkAndQuickAckEachCureTheWait) {
  const auto nothing = [](auto&, auto&) {};
  EXPECT_LT(wait_for_second_part(nothing, MSG_MORE), 1_ms);
  EXPECT_LT(wait_for_second_part([](auto& server, auto&) { (void)server.set_option(IPPROTO_TCP, TCP_NODELAY, 1); }),
            1_ms);
  EXPECT_LT(wait_for_second_part([](auto&, auto& client) { (void)client.set_option(IPPROTO_TCP, TCP_QUICKACK, 1); }),
            1_ms);
}

TEST(RequestAndAnswer, APulledCorkSendsBothPartsAtOnce) {
  LoopbackRig rig;
  rig.run([&] {
    const auto [server, client] = rig.connected();
    (void)server->set_option(IPPROTO_TCP, TCP_CORK, 1);
    EXPECT_EQ(rig.send(*server, 0, 1), 1U);
    EXPECT_EQ(rig.send(*server, 0, 1), 1U);
    EXPECT_EQ(client->poll() & POLLIN, 0);
    (void)server->set_option(IPPROTO_TCP, TCP_CORK, 0);
    EXPECT_NE(client->poll() & POLLIN, 0);
    EXPECT_EQ(client->recv(rig.memory, VirtAddr{0}, 10, 0), 2U);
  });
}

/// As Linux 6.18 over loopback: what is left of the page that the first 600 bytes made the server reserve is enough for
/// the second, not for the third.
TEST(RequestAndAnswer, ATailThatWaitsForMoreStaysUntilDataNeedsAnotherPageOfMemory) {
  LoopbackRig rig;
  rig.run([&] {
    const auto [client, server] = rig.connected();
    ASSERT_TRUE(client->set_option(IPPROTO_TCP, TCP_NODELAY, 1).has_value());
    EXPECT_EQ(rig.send(*client, 0, 100), 100U);
    EXPECT_EQ(server->recv(rig.memory, VirtAddr{0}, 100, 0), 100U);
    EXPECT_EQ(rig.send(*server, 0, 200, MSG_MORE), 200U);
    for (const bool goes : {false, false, true}) {
      EXPECT_EQ(rig.send(*client, 0, 600), 600U);
      rig.sleep(3_ms);
      EXPECT_EQ((client->poll() & POLLIN) != 0, goes);
    }
  });
}

TEST(RequestAndAnswer, ATailThatWaitsForMoreGoesWithTheFirstDataToAnEndThatConnected) {
  LoopbackRig rig;
  rig.run([&] {
    const auto [client, server] = rig.connected();
    EXPECT_EQ(rig.send(*client, 0, 200, MSG_MORE), 200U);
    EXPECT_EQ(rig.send(*server, 0, 100), 100U);
    EXPECT_NE(server->poll() & POLLIN, 0);
  });
}

TEST(RequestAndAnswer, ATailThatWaitsForMoreGoesWhenDataAcknowledgesSomething) {
  LoopbackRig rig;
  rig.run([&] {
    const auto [client, server] = rig.connected();
    const auto pass_byte = [&](net::TcpSocket& from, net::TcpSocket& to) {
      EXPECT_EQ(rig.send(from, 0, 1), 1U);
      EXPECT_EQ(to.recv(rig.memory, VirtAddr{0}, 1, 0), 1U);
    };
    for (unsigned i = 0; i < 2; ++i) {  // acknowledgments travel with the answers
      pass_byte(*client, *server);
      pass_byte(*server, *client);
    }
    pass_byte(*client, *server);
    pass_byte(*server, *client);
    EXPECT_EQ(rig.send(*server, 0, 200, MSG_MORE), 200U);
    EXPECT_EQ(client->poll() & POLLIN, 0);
    EXPECT_EQ(rig.send(*client, 0, 1), 1U);
    EXPECT_NE(client->poll() & POLLIN, 0);
  });
}

TEST(Loopback, EveryPieceThatIsTakenIsShownToTheObserverOnce) {
  LoopbackRig rig;
  Bytes seen = 0;
  rig.stack.observe_receive([&](PhysAddr, Bytes size) { seen += size; });
  rig.run([&] {
    const auto [sender, receiver] = rig.connected();
    EXPECT_EQ(rig.send(*sender, 0, 50'000), 50'000U);
    EXPECT_EQ(receiver->recv(rig.memory, VirtAddr{0}, 20'000, MSG_PEEK), 20'000U);
    EXPECT_EQ(seen, 0U);
    EXPECT_EQ(receiver->recv(rig.memory, VirtAddr{0}, 1_MiB, MSG_TRUNC), 50'000U);
  });
  EXPECT_EQ(seen, 50'000U);
}

/// The SYN's window of 64 KiB halves the segments (tcp_bound_to_half_wnd) until a larger one was announced.
TEST(Loopback, SegmentsGrowWithTheWindowToTheLargestIpPacket) {
  LoopbackRig rig;
  rig.run([&] {
    const auto [sender, receiver] = rig.connected();
    EXPECT_LE(sender->connection().segment_size(), 32'768U);
    Bytes at = 0;
    for (int i = 0; i < 16; ++i, at += 100'000) {
      EXPECT_EQ(rig.send(*sender, at, 100'000), 100'000U);
      EXPECT_EQ(receiver->recv(rig.memory, VirtAddr{4_MiB}, 100'000, MSG_WAITALL), 100'000U);
    }
    EXPECT_EQ(sender->connection().segment_size(), 65'483U);
  });
}

TEST(Loopback, ACallForNoBytesSaysWhetherThereAreAny) {
  LoopbackRig rig;
  rig.run([&] {
    const auto [sender, receiver] = rig.connected();
    EXPECT_EQ(receiver->recv(rig.memory, VirtAddr{0}, 0, MSG_DONTWAIT).error().value, EAGAIN);
    EXPECT_EQ(receiver->read(rig.memory, VirtAddr{0}, 0, nullptr).value(), 0U) << "read does not look";
    EXPECT_EQ(rig.send(*sender, 0, 10), 10U);
    EXPECT_EQ(receiver->recv(rig.memory, VirtAddr{0}, 0, MSG_DONTWAIT).value(), 0U);
    EXPECT_EQ(receiver->recv(rig.memory, VirtAddr{0}, 100, MSG_DONTWAIT).value(), 10U);
  });
}

TEST(Loopback, TheEndOfThePeersBytesIsReadWhateverHappenedSince) {
  LoopbackRig rig;
  rig.run([&] {
    auto [sender, receiver] = rig.connected();
    receiver->close();
    EXPECT_EQ(rig.send(*sender, 0, 10), 10U);  // which the closed end answers with a reset
    EXPECT_EQ(sender->recv(rig.memory, VirtAddr{0}, 10, 0).value(), 0U);
    EXPECT_EQ(sender->send(rig.memory, VirtAddr{0}, 0, 0).error().value, EPIPE) << "even for no bytes";
  });
}

TEST(Loopback, AnEndThatWasShutDownInBothDirectionsIsResetByData) {
  LoopbackRig rig;
  rig.run([&] {
    const auto [sender, receiver] = rig.connected();
    ASSERT_TRUE(receiver->shutdown(SHUT_RDWR));
    EXPECT_EQ(rig.send(*sender, 0, 10), 10U);
    EXPECT_EQ(receiver->recv(rig.memory, VirtAddr{0}, 10, 0).error().value, ECONNRESET);
  });
}

TEST(Loopback, AConnectionThatBothEndsFinishedIsOverAndItsSocketListensNoMore) {
  LoopbackRig rig;
  rig.run([&] {
    const auto [sender, receiver] = rig.connected();
    ASSERT_TRUE(sender->shutdown(SHUT_WR));
    ASSERT_TRUE(receiver->shutdown(SHUT_WR));
    EXPECT_EQ(sender->shutdown(SHUT_WR).error().value, ENOTCONN);
    EXPECT_EQ(sender->listen(1).error().value, EINVAL);
    const auto listener = rig.stack.create_socket(O_RDWR);
    ASSERT_TRUE(listener->listen(1));
    EXPECT_EQ(listener->recv(rig.memory, VirtAddr{0}, 1, MSG_DONTWAIT).error().value, ENOTCONN);
    SmallSink sink{0};
    EXPECT_EQ(listener->splice_read(sink, 1, nullptr, SPLICE_F_NONBLOCK).error().value, ENOTCONN);
    EXPECT_TRUE(listener->shutdown(SHUT_WR)) << "nothing to end there";
  });
}

TEST(Loopback, ASenderSleepsWhenBuffersAreFullAndGoesOnWhenTheReaderReads) {
  LoopbackRig rig;
  rig.run([&] {
    const auto [sender, receiver] = rig.connected();
    Bytes got = 0;
    bool reads = true;
    rig.scheduler.spawn("reader", [&] {
      while (reads) {
        const auto piece = receiver->recv(rig.memory, VirtAddr{0}, 1_MiB, MSG_TRUNC);
        ASSERT_TRUE(piece.has_value());
        reads = *piece > 0;
        got += *piece;
      }
    });
    EXPECT_EQ(rig.send(*sender, 0, 8_MiB), 8_MiB);
    EXPECT_TRUE(sender->shutdown(SHUT_WR).has_value());
    rig.sleep(10_ms);
    EXPECT_EQ(got, 8_MiB);
    EXPECT_FALSE(reads);
  });
}

TEST(Loopback, APacketThatWaitsForTheWindowTakesItsTailAlongAndIsCutAgainBeforeTheDevice) {
  LoopbackRig rig;
  rig.run([&] {
    const auto listener = rig.stack.create_socket(O_RDWR);
    ASSERT_TRUE(listener->set_option(SOL_SOCKET, SO_RCVBUF, 212'992));
    ASSERT_TRUE(listener->bind(rig.bound) && listener->listen(1));
    const auto sender = rig.stack.create_socket(O_RDWR);
    ASSERT_TRUE(sender->set_option(SOL_SOCKET, SO_SNDBUF, 212'992));
    ASSERT_TRUE(sender->connect(rig.bound));
    const auto receiver = *listener->accept(nullptr, 0);
    std::vector<Bytes> reads;
    rig.scheduler.spawn("reader", [&] {
      for (;;) {
        const auto piece = receiver->recv(rig.memory, VirtAddr{0}, 1_MiB, MSG_TRUNC);
        if (!piece || *piece == 0) break;
        reads.push_back(*piece);
      }
    });
    for (unsigned i = 0; i < 64; ++i) EXPECT_EQ(rig.send(*sender, 0, 256_KiB), 256_KiB);
    EXPECT_TRUE(sender->shutdown(SHUT_WR).has_value());
    rig.sleep(10_ms);
    // Linux 6.18 reads 80 or 81 times. The announced window of 262,140 bytes lets four packets out, the acknowledgment
    // the others; packets that did not take their tails along would make it 73.
    EXPECT_NEAR(static_cast<double>(reads.size()), 81, 2);
  });
}

TEST(Loopback, TheOtherEndSeesTheEndOfTheStream) {
  LoopbackRig rig;
  rig.run([&] {
    const auto [sender, receiver] = rig.connected();
    EXPECT_TRUE(sender->shutdown(SHUT_WR).has_value());
    EXPECT_EQ(receiver->recv(rig.memory, VirtAddr{0}, 10, 0), 0U);
    EXPECT_EQ(rig.send(*receiver, 0, 10), 10U) << "the other direction stays open";
    EXPECT_EQ(sender->recv(rig.memory, VirtAddr{0}, 10, 0), 10U);
  });
}

class Listener final : public sched::WaitListener {
 public:
  bool happened(std::uint32_t events) override {
    heard.push_back(events);
    return true;
  }
  std::vector<std::uint32_t> heard;
};

TEST(Loopback, AnEndTellsOfItsNewStateWhenItsFinIsAcknowledged) {
  LoopbackRig rig;
  rig.run([&] {
    const auto [sender, receiver] = rig.connected();
    Listener listener;
    listener.listen_to(*sender->poll_queue(), false);
    ASSERT_TRUE(sender->shutdown(SHUT_WR));
    listener.heard.clear();
    rig.sleep(300_ms);
    EXPECT_EQ(std::ranges::count(listener.heard, 0U), 1);  // of no event by name, as sk_state_change
    listener.leave();
  });
}

}  // namespace
}  // namespace sluice::tests
