// SPDX-License-Identifier: Apache-2.0
// The peer in simulated time: connections, timers, the wire between.
#include <gtest/gtest.h>

#include "tests/models/nic_device/nic_bench.h"

namespace sluice::nic {
namespace {

class PeerOnTheWire : public tests::Simulation {};

TEST_F(PeerOnTheWire, AcknowledgesTheOddSegmentAfterTheDelay) {
  Bench bench;
  Picoseconds rung;
  thread([&] {
    bench.start();
    bench.post_buffers(10);
    bench.connect();
    bench.put_packet(Bench::kPayload, 1448);
    rung = simulated_now();
    bench.doorbell();
    sc_core::wait(39, sc_core::SC_MS);
    EXPECT_EQ(bench.nic.statistics().rx_frames, 1U);  // the SYN-ACK
    sc_core::wait(2, sc_core::SC_MS);
    EXPECT_EQ(bench.nic.statistics().rx_frames, 2U);
  });
  run();
  EXPECT_EQ(bench.rx_header(1).acknowledgment, 1001U + 1448U);
  EXPECT_EQ(bench.messages(Bench::kRxVector).back() - rung, 1'220'800_ps + 40_ms + 62'400_ps);
}

TEST_F(PeerOnTheWire, ADelayThatWasCutShortLeavesNothingForTheNextOne) {
  Bench bench;
  Picoseconds third;
  thread([&] {
    bench.start();
    bench.post_buffers(10);
    bench.connect();
    const auto send = [&] {
      bench.put_packet(Bench::kPayload, 1448);
      bench.doorbell();
    };
    send();
    sc_core::wait(10, sc_core::SC_MS);
    send();  // the second segment: acknowledged at once
    sc_core::wait(10, sc_core::SC_MS);
    EXPECT_EQ(bench.nic.statistics().rx_frames, 2U);
    third = simulated_now();
    send();
    sc_core::wait(39, sc_core::SC_MS);  // past the delay of the first
    EXPECT_EQ(bench.nic.statistics().rx_frames, 2U);
    sc_core::wait(2, sc_core::SC_MS);
    EXPECT_EQ(bench.nic.statistics().rx_frames, 3U);
  });
  run();
  EXPECT_EQ(bench.messages(Bench::kRxVector).back() - third, 1'220'800_ps + 40_ms + 62'400_ps);
}

TEST_F(PeerOnTheWire, ClosesWhenTheMachineDoes) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.post_buffers(10);
    bench.connect();
    bench.put_packet({.fragments = {{Bench::kPayload, 100}}, .tcp = tcp_flag::kAck | tcp_flag::kFin});
    bench.doorbell();
    sc_core::wait(100, sc_core::SC_US);
    EXPECT_EQ(bench.rx_header(1).flags, tcp_flag::kFin | tcp_flag::kAck);
    EXPECT_EQ(bench.rx_header(1).acknowledgment, 1001U + 100U + 1U);
  });
  run();
  EXPECT_EQ(bench.application.ports, std::vector<std::uint16_t>{80});
  EXPECT_EQ(bench.application.finished_connections, 1U);
  bench.expect_everything_delivered();
}

TEST_F(PeerOnTheWire, RefusesAConnectionItDoesNotKnow) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.post_buffers(10);
    bench.put_packet(Bench::kPayload, 100);  // no SYN before
    bench.doorbell();
  });
  run();
  EXPECT_EQ(bench.rx_header(0).flags, tcp_flag::kReset);
  EXPECT_EQ(bench.peer.statistics().discarded_frames, 1U);
  EXPECT_TRUE(bench.application.bytes.empty());
}

TEST_F(PeerOnTheWire, TakesALostSegmentWhenItComesAgain) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.post_buffers(50);
    bench.connect();
    bench.put_packet({.fragments = {{Bench::kPayload, 1000}}, .flags = 0, .break_checksum = true});
    bench.doorbell();
    sc_core::wait(50, sc_core::SC_US);
    EXPECT_EQ(bench.peer.statistics().checksum_errors, 1U);
    bench.put_packet(Bench::kPayload + 4096, 2000);  // after the gap: a duplicate acknowledgment each
    bench.doorbell();
    sc_core::wait(50, sc_core::SC_US);
    EXPECT_EQ(bench.rx_header(1).acknowledgment, 1001U);
    EXPECT_EQ(bench.rx_header(2).acknowledgment, 1001U);
    bench.sequence -= 3000;
    bench.sent.clear();
    bench.put_packet(Bench::kPayload, 1000);
    bench.put_packet(Bench::kPayload + 4096, 2000);
    bench.doorbell();
  });
  run();
  bench.expect_everything_delivered();
}

TEST_F(PeerOnTheWire, PropagationDelaysBothDirections) {
  Bench bench{instant_nic(), plain_peer(), wire_of(7_us)};
  Picoseconds rung;
  thread([&] {
    bench.start();
    bench.post_buffers(50);
    bench.connect();
    bench.put_packet(Bench::kPayload, 2 * 1448);
    rung = simulated_now();
    bench.doorbell();
  });
  run();
  EXPECT_EQ(bench.application.pieces[0].first - rung, 7_us + 1'220'800_ps);
  const Picoseconds acknowledged = 2'460'800_ps - 9'600_ps + 7_us + 1_us + 62'400_ps + 7_us;
  EXPECT_EQ(bench.messages(Bench::kRxVector).back() - rung, acknowledged);
}

TEST_F(PeerOnTheWire, DirectionsDoNotShareTheWire) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.connect();
    bench.put_packet(Bench::kPayload, 20 * 1448);
    bench.doorbell();
  });
  run();
  // SYN-ACK and ten acknowledgments of 90 bytes at 0.8 ns; nothing of it delays the other direction.
  EXPECT_EQ(bench.wire.busy(Direction::ToMachine, simulated_now() + 1_us), 792_ns);
  EXPECT_EQ(bench.wire.busy(Direction::ToPeer, simulated_now()), 72_ns + 24'608_ns);
  EXPECT_EQ(bench.peer.statistics().acknowledgments, 11U);
}

}  // namespace
}  // namespace sluice::nic
