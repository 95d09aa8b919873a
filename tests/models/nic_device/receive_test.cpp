// SPDX-License-Identifier: Apache-2.0
// Frames from the wire to posted buffers.
#include <numeric>

#include <gtest/gtest.h>

#include "tests/models/nic_device/nic_bench.h"

namespace sluice::nic {
namespace {

class Receive : public tests::Simulation {};

std::vector<std::byte> pattern(Bytes size) {
  std::vector<std::byte> bytes(size);
  for (Bytes i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>((i * 2246822519U) >> 11);
  return bytes;
}

TEST_F(Receive, AcknowledgmentsLandInPostedBuffersWithTheirSize) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.post_buffers(100);
    bench.connect();
    bench.put_packet(Bench::kPayload, 6 * 1448);
    bench.doorbell();
  });
  run();
  // SYN-ACK and one acknowledgment per second segment.
  EXPECT_EQ(bench.nic.statistics().rx_frames, 4U);
  EXPECT_EQ(bench.read(reg::kRxHead), 4U);
  EXPECT_EQ(bench.rx_header(0).flags, tcp_flag::kSyn | tcp_flag::kAck);
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(bench.rx_descriptor(i).status, kRxDone | kRxChecksumGood);
    EXPECT_EQ(bench.rx_descriptor(i).size, kAllHeaders);
  }
  for (std::uint32_t i = 1; i < 4; ++i) EXPECT_EQ(bench.rx_header(i).acknowledgment, 1001 + i * 2 * 1448);
  EXPECT_EQ(bench.rx_descriptor(4).status, 0);
}

TEST_F(Receive, AFrameIsNotVisibleBeforeItArrives) {
  NicConfig config = instant_nic();
  config.rx_coalesce_frames = 100;
  config.rx_coalesce_time = 0_ps;  // each frame by itself
  Bench bench{config};
  thread([&] {
    bench.start();
    bench.post_buffers(100);
    bench.connect();
    const Picoseconds rung = simulated_now();
    bench.put_packet(Bench::kPayload, 6 * 1448);
    bench.doorbell();
    // Frames end at (i + 1) x 1230.4 - 9.6 ns; the answer to every second one leaves 1 us later and takes 78 bytes'
    // time (62.4 ns) to its last bit.
    const auto arrival = [&](std::uint64_t i) { return rung + 1'230'400_ps * (2 * i) - 9'600_ps + 1_us + 62'400_ps; };
    for (std::uint32_t i = 1; i <= 3; ++i) {
      NicCore::wait_until(arrival(i) - 1_ps);
      EXPECT_EQ(bench.rx_descriptor(i).status, 0) << i;
      sc_core::wait(2, sc_core::SC_PS);
      EXPECT_EQ(bench.rx_descriptor(i).status, kRxDone | kRxChecksumGood) << i;
    }
  });
  run();
}

TEST_F(Receive, APollingDriverSeesAFrameWhenItArrivesAndNotWhenTheInterruptIsDue) {
  NicConfig config = instant_nic();
  config.rx_coalesce_frames = 64;
  config.rx_coalesce_time = 8_us;
  Bench bench{config};
  thread([&] {
    bench.start();
    bench.post_buffers(64);
    bench.write(reg::kInterruptMask, cause::kTx | cause::kRx);
    bench.put_packet({.fragments = {}, .flags = kTxInsertChecksum, .tcp = tcp_flag::kSyn});
    const Picoseconds rung = simulated_now();
    bench.doorbell();
    while ((bench.rx_descriptor(0).status & kRxDone) == 0 && simulated_now() < rung + 20_us) {
      sc_core::wait(10, sc_core::SC_NS);
    }
    // Two frames of at most 90 bytes on the wire at 10 Gb/s and the peer's turnaround of 1 us.
    EXPECT_LE(simulated_now() - rung, 1_us + 160_ns);
    EXPECT_EQ(bench.rx_header(0).flags, tcp_flag::kSyn | tcp_flag::kAck);
    EXPECT_EQ(bench.read(reg::kInterruptCause) & cause::kRx, 0U) << "the cause is due 8 us after the frame";
    sc_core::wait(8, sc_core::SC_US);
    EXPECT_EQ(bench.read(reg::kInterruptCause) & cause::kRx, cause::kRx);
  });
  run();
}

TEST_F(Receive, WithoutABufferAFrameIsDroppedAndCounted) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.post_buffers(2);
    bench.connect();
    bench.put_packet(Bench::kPayload, 8 * 1448);
    bench.doorbell();
    sc_core::wait(1, sc_core::SC_MS);
    EXPECT_EQ(bench.nic.statistics().rx_frames, 2U);
    EXPECT_EQ(bench.nic.statistics().rx_dropped, 3U);
    bench.post_buffers(1);  // the device goes on
    bench.put_packet(Bench::kPayload + 20000, 2 * 1448);
    bench.doorbell();
  });
  run();
  EXPECT_EQ(bench.nic.statistics().rx_frames, 3U);
  EXPECT_EQ(bench.rx_header(2).acknowledgment, 1001U + 10 * 1448);
  EXPECT_EQ(bench.read(reg::kErrors), 0U);
  bench.expect_everything_delivered();
}

TEST_F(Receive, ABufferTooSmallForTheFrameIsAnErrorAndStays) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.post_buffers(1, 1000);
    bench.connect();  // 66 bytes fit
    bench.post_buffers(1, 1000);
    bench.peer.send(0, pattern(1400));
    sc_core::wait(1, sc_core::SC_MS);
    EXPECT_EQ(bench.read(reg::kErrors), 1U);
    EXPECT_EQ(bench.nic.statistics().rx_dropped, 1U);
    bench.put_packet(Bench::kPayload, 2 * 1448);
    bench.doorbell();
  });
  run();
  EXPECT_EQ(bench.nic.statistics().rx_frames, 2U);
  EXPECT_EQ(bench.rx_descriptor(1).size, kAllHeaders);
}

TEST_F(Receive, ABufferOutsideMemoryComesBackEmptyAndTheNextIsUsed) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.memory.store(Bench::kRxRing, RxDescriptor{0xFFFF'FFFF'0000, 2048, 0, {}});
    bench.rx_tail = 1;
    bench.post_buffers(2);
    bench.connect();
    bench.put_packet(Bench::kPayload, 2 * 1448);
    bench.doorbell();
  });
  run();
  EXPECT_EQ(bench.nic.statistics().dma_errors, 1U);
  EXPECT_EQ(bench.rx_descriptor(0).status, kRxDone);
  EXPECT_EQ(bench.rx_descriptor(0).size, 0);
  EXPECT_EQ(bench.rx_header(1).acknowledgment, 1001U + 2 * 1448);
}

TEST_F(Receive, DataOfThePeerComesByteForByteThroughAWrappingRing) {
  Bench bench;
  const auto bytes = pattern(100'000);
  std::vector<std::byte> received;
  thread([&] {
    bench.start(64, 16);
    bench.post_buffers(15);
    bench.connect();
    std::uint32_t next = 1;  // after the SYN-ACK
    bench.post_buffers(1);
    bench.peer.send(0, bytes);
    while (received.size() < bytes.size()) {
      sc_core::wait(1, sc_core::SC_US);
      while ((bench.rx_descriptor(next).status & kRxDone) != 0) {
        const RxDescriptor descriptor = bench.rx_descriptor(next);
        const PacketHeader header = bench.rx_header(next);
        const auto begin =
            bench.memory.bytes.begin() + static_cast<std::ptrdiff_t>(Bench::kRxBuffers + next * 2048 + kAllHeaders);
        EXPECT_EQ(descriptor.size, kAllHeaders + header.payload_size);
        received.insert(received.end(), begin, begin + header.payload_size);
        next = (next + 1) % 16;
        bench.post_buffers(1);
      }
    }
  });
  run(sc_core::sc_time(10, sc_core::SC_MS));
  EXPECT_TRUE(received == bytes);
  EXPECT_EQ(bench.nic.statistics().rx_dropped, 0U);
}

struct CoalescingCase {
  const char* what;
  unsigned frames;
  Picoseconds time;
  std::vector<Picoseconds> messages;  ///< after the first acknowledgment's arrival
};
void PrintTo(const CoalescingCase& c, std::ostream* out) { *out << c.what; }
class ReceiveCoalescing : public tests::Simulation, public testing::WithParamInterface<CoalescingCase> {};

/// Eight acknowledgments, 2460.8 ns apart.
TEST_P(ReceiveCoalescing, MessagesComeByCountOrByTime) {
  NicConfig config = instant_nic();
  config.rx_coalesce_frames = GetParam().frames;
  config.rx_coalesce_time = GetParam().time;
  Bench bench{config};
  Picoseconds first;
  thread([&] {
    bench.start();
    bench.post_buffers(100);
    bench.connect();
    bench.memory.messages.clear();
    first = simulated_now() + 2'460'800_ps - 9'600_ps + 1_us + 62'400_ps;
    bench.put_packet(Bench::kPayload, 16 * 1448);
    bench.doorbell();
  });
  run();
  std::vector<Picoseconds> after;
  for (const Picoseconds at : bench.messages(Bench::kRxVector)) after.push_back(at - first);
  EXPECT_EQ(after, GetParam().messages);
  EXPECT_EQ(bench.nic.statistics().rx_frames, 9U);
}
INSTANTIATE_TEST_SUITE_P(
    Table, ReceiveCoalescing,
    testing::Values(CoalescingCase{"all_within_the_time", 100, 50_us, {50_us}},
                    CoalescingCase{"every_fourth", 4, 50_us, {7'382'400_ps, 17'225'600_ps}},
                    CoalescingCase{
                        "three_then_the_rest_by_time", 3, 20_us, {4'921'600_ps, 12'304'000_ps, 34'764'800_ps}},
                    CoalescingCase{"two_per_3us", 100, 3_us, {3_us, 7'921'600_ps, 12'843'200_ps, 17'764'800_ps}}));

TEST_F(Receive, AMaskedCauseStaysPendingAndFiresWhenUnmasked) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.post_buffers(100);
    bench.write(reg::kInterruptMask, cause::kRx);
    bench.connect();
    EXPECT_TRUE(bench.messages(Bench::kRxVector).empty());
    EXPECT_EQ(bench.messages(Bench::kTxVector).size(), 1U) << "only one cause is masked";
    EXPECT_EQ(bench.read(reg::kInterruptCause), cause::kRx);
    EXPECT_EQ(bench.rx_descriptor(0).status, kRxDone | kRxChecksumGood) << "frames are there for a driver that polls";
    bench.write(reg::kInterruptMask, 0);
    EXPECT_EQ(bench.messages(Bench::kRxVector), std::vector<Picoseconds>{simulated_now()});
    EXPECT_EQ(bench.read(reg::kInterruptCause), 0U);
  });
  run();
}

TEST_F(Receive, AClearedCauseDoesNotFire) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.post_buffers(100);
    bench.write(reg::kInterruptMask, cause::kRx | cause::kTx);
    bench.connect();
    EXPECT_EQ(bench.read(reg::kInterruptCause), cause::kRx | cause::kTx);
    bench.write(reg::kInterruptCause, cause::kRx);
    bench.write(reg::kInterruptMask, 0);
  });
  run();
  EXPECT_TRUE(bench.messages(Bench::kRxVector).empty());
  EXPECT_EQ(bench.messages(Bench::kTxVector).size(), 1U);
}

TEST_F(Receive, FramesDoNotFillTheFifoHoweverFarTheInterruptIs) {
  NicConfig config = instant_nic();
  config.rx_fifo = 20_KiB;
  config.rx_coalesce_frames = 4096;
  config.rx_coalesce_time = 10_ms;
  Bench bench{config};
  thread([&] {
    bench.start();
    bench.post_buffers(200);
    bench.connect();
    bench.peer.send(0, pattern(30 * 1448));
    sc_core::wait(100, sc_core::SC_US);  // all have arrived; the interrupt is far away
    EXPECT_EQ(bench.nic.statistics().rx_frames, 31U);
  });
  run();
  EXPECT_EQ(bench.nic.statistics().rx_frames, 31U);
  EXPECT_EQ(bench.nic.statistics().rx_dropped, 0U);
}

}  // namespace
}  // namespace sluice::nic
