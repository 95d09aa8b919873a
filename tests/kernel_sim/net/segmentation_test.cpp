// SPDX-License-Identifier: Apache-2.0
// What is done to packets whose interface cannot take them as they are, and which copies that costs.
#include <fcntl.h>

#include "tests/kernel_sim/net/test_bench.h"

namespace sluice::tests {
namespace {

enum class Way { Write, Splice };

struct Case {
  const char* name;
  Way way;
  bool gso;
  net::DeviceFeatures features;
  unsigned copies;   ///< of the payload, from all of it
  bool by_checksum;  ///< the core works out checksums
  Bytes largest;     ///< payload of a packet at the interface
};

constexpr Bytes kPayload = 300001;

class Copies : public testing::TestWithParam<Case> {};

TEST_P(Copies, AreCountedWhereTheyAreMade) {
  const Case& c = GetParam();
  net::NetConfig config;
  config.gso = c.gso;
  TestBench bench{c.features, config};
  bench.run([&] {
    const auto socket = bench.connect();
    if (c.way == Way::Write) {
      EXPECT_EQ(bench.send(*socket, 0, kPayload), kPayload);
    } else {
      PageSource source{bench.frames, bench.pages(0, kPayload, 123)};
      EXPECT_EQ(socket->splice_write(source, kPayload, nullptr, 0), kPayload);
    }
    bench.sleep(10_ms);
    socket->close();
    bench.sleep(10_ms);
  });
  EXPECT_TRUE(bench.received_user_bytes(kPayload));
  EXPECT_EQ(bench.fake.ledger().total_by(Mover::Cpu).payload, c.copies * kPayload);
  EXPECT_EQ(bench.bad_checksums, 0U);
  for (const SentPacket& packet : bench.data_packets()) {
    EXPECT_EQ(packet.checksum_by_device, !c.by_checksum);
    EXPECT_LE(packet.payload.size(), c.largest);
    EXPECT_EQ(packet.linear, !c.features.gather);
    EXPECT_EQ(packet.segment != 0, packet.payload.size() > 1448);
  }
  EXPECT_EQ(bench.stack.connections(), 1U);  // the peer's FIN is missing
  EXPECT_EQ(bench.stack.skbs().in_use(), 0U);
  EXPECT_TRUE(bench.frames.breaches().empty());
}

// DESIGN section 6: with gather write() copies once and splice never; without it GSO adds one to both at transmit, a
// kernel without GSO copies once in either.
INSTANTIATE_TEST_SUITE_P(
    OfEveryKindOfInterface, Copies,
    testing::Values(Case{"WriteAllOffloads", Way::Write, true, {true, true, true, 1500}, 1, false, 65160},
                    Case{"SpliceAllOffloads", Way::Splice, true, {true, true, true, 1500}, 0, false, 65160},
                    Case{"WriteGatherOnly", Way::Write, true, {true, true, false, 1500}, 1, false, 1448},
                    Case{"SpliceGatherOnly", Way::Splice, true, {true, true, false, 1500}, 0, false, 1448},
                    Case{"WriteNoGather", Way::Write, true, {false, true, false, 1500}, 2, false, 1448},
                    Case{"SpliceNoGather", Way::Splice, true, {false, true, false, 1500}, 1, false, 1448},
                    Case{"WriteNoGatherNoGso", Way::Write, false, {false, true, false, 1500}, 1, false, 1448},
                    Case{"SpliceNoGatherNoGso", Way::Splice, false, {false, true, false, 1500}, 1, false, 1448},
                    Case{"WriteOffloadsNoGso", Way::Write, false, {true, true, true, 1500}, 1, false, 65160},
                    Case{"WriteGatherNoGsoNoTso", Way::Write, false, {true, true, false, 1500}, 1, false, 1448},
                    Case{"WriteNoChecksum", Way::Write, true, {true, false, true, 1500}, 1, true, 1448},
                    Case{"SpliceNoChecksum", Way::Splice, true, {true, false, true, 1500}, 0, true, 1448},
                    Case{"WriteNothing", Way::Write, true, {false, false, false, 1500}, 2, true, 1448},
                    Case{"SpliceNothingNoGso", Way::Splice, false, {false, false, false, 1500}, 1, true, 1448}),
    [](const auto& tested) { return tested.param.name; });

/// A packet that fills 64 KiB to within its headers is too large for the interface (gso_features_check), so that TCP
/// must leave room for them (sk_setup_caps).
TEST(LargePackets, FitTheInterfaceAtEveryMtu) {
  net::NetConfig config;
  config.initial_window = 1000;  // the first packet is as large as any
  TestBench bench{{true, true, true, 1500}, config};
  constexpr Bytes kHeaders = nic::kIpHeader + nic::kTcpHeader;
  unsigned tried = 0;
  bench.run([&] {
    for (Bytes mtu = 576; mtu <= 9216; ++mtu) {
      if (65536 % (mtu - kHeaders) > nic::kAllHeaders) continue;
      for (const Bytes near : {mtu - 1, mtu, mtu + 1}) {
        bench.device.set_mtu(near);
        bench.stream.clear();
        const auto before = bench.stack.transmit_queue().statistics();
        const auto socket = bench.connect();
        EXPECT_EQ(bench.send(*socket, 0, 64'000), 64'000U);
        bench.sleep(1_ms);
        const auto after = bench.stack.transmit_queue().statistics();
        EXPECT_EQ(after.segments_cut, before.segments_cut) << "MTU " << near;
        EXPECT_LE(bench.data_sizes().size(), 2U) << "MTU " << near;
        bench.sent.clear();
        ++tried;
      }
    }
  });
  EXPECT_GT(tried, 500U);
}

TEST(SoftwareSegmentation, KeepsPushOnTheLastSegmentOnly) {
  TestBench bench{{true, true, false, 1500}};
  bench.run([&] {
    const auto socket = bench.connect();
    EXPECT_EQ(bench.send(*socket, 0, 4000), 4000U);
  });
  const auto packets = bench.data_packets();
  ASSERT_EQ(bench.data_sizes(), (std::vector<Bytes>{1448, 1448, 1104}));
  EXPECT_EQ(packets[0].header.flags, nic::tcp_flag::kAck);
  EXPECT_EQ(packets[2].header.flags, nic::tcp_flag::kAck | nic::tcp_flag::kPush);
  EXPECT_EQ(bench.offset_of(packets[2]), 2896U);
}

TEST(SoftwareSegmentation, GivesThePagesBackOnlyWhenEverySegmentIsDone) {
  TestBench bench{{true, true, false, 1500}};
  bench.run([&] {
    const auto socket = bench.connect();
    bench.completes = false;
    const auto pages = bench.pages(0, 4096);
    PageSource source{bench.frames, pages};
    EXPECT_EQ(socket->splice_write(source, 4096, nullptr, 0), 4096U);
    bench.sleep(1_ms);
    EXPECT_EQ(bench.frames.references(Frame::of(pages[0].address)), 3U);
    EXPECT_GT(socket->connection().in_interface(), 4096U);
    bench.complete_all();
    bench.sleep(1_ms);
    EXPECT_EQ(bench.frames.references(Frame::of(pages[0].address)), 0U);
    EXPECT_EQ(socket->connection().in_interface(), 0U);
  });
}

TEST(TransmitQueue, KeepsItsOrderWhileTheInterfaceIsStopped) {
  TestBench bench{{true, true, false, 1500}};
  bench.run([&] {
    const auto socket = bench.connect();
    unsigned room = 3;
    const auto take = bench.device.on_transmit;
    bench.device.on_transmit = [&, take](net::Skb& skb, bool more) {
      take(skb, more);
      if (--room == 0) {
        bench.device.is_stopped = true;
        bench.fake.after(30_us, [&] {
          room = 3;
          bench.device.is_stopped = false;
          bench.stack.device_ready(bench.device);
        });
      }
    };
    EXPECT_EQ(bench.send(*socket, 0, 100000), 100000U);
    bench.sleep(50_ms);
    EXPECT_TRUE(bench.received_user_bytes(100000));
    EXPECT_GT(bench.stack.transmit_queue().statistics().stops, 5U);
    bench.device.on_transmit = take;
  });
}

}  // namespace
}  // namespace sluice::tests
