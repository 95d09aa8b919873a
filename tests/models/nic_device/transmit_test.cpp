// SPDX-License-Identifier: Apache-2.0
// From descriptors to frames: what arrives and when.
#include <ostream>
#include <random>

#include <gtest/gtest.h>

#include "tests/models/nic_device/nic_bench.h"

namespace sluice::nic {
namespace {

constexpr std::uint16_t k45Segments = 45 * 1448;  // 65160: the most that fits 64 KiB

/// What a packet of 45 segments takes at a line rate, by hand. A frame and its overhead are 1538 bytes; the last bit of
/// a frame comes 12 bytes (the gap) before its slot ends.
struct WireTime {
  std::uint64_t gigabits;
  Picoseconds first_arrival;
  Picoseconds last_arrival;
};
void PrintTo(const WireTime& time, std::ostream* out) { *out << time.gigabits << "Gbps"; }

class SegmentedPacket : public tests::Simulation, public testing::WithParamInterface<WireTime> {};

TEST_P(SegmentedPacket, IsOnTheWireFor45FullFrames) {
  NicConfig config = instant_nic();
  config.rate = BitRate{GetParam().gigabits * 1'000'000'000};
  Bench bench{config};
  Picoseconds rung;
  thread([&] {
    bench.start();
    bench.connect();
    bench.put_packet(Bench::kPayload, k45Segments);
    rung = simulated_now();
    bench.doorbell();
  });
  run();
  ASSERT_EQ(bench.application.pieces.size(), 1U);
  EXPECT_EQ(bench.application.pieces[0].first - rung, GetParam().first_arrival);
  EXPECT_EQ(bench.application.pieces[0].last - rung, GetParam().last_arrival);
  EXPECT_EQ(bench.wire.statistics(Direction::ToPeer).frames, 1U + 45U);
  EXPECT_EQ(bench.wire.statistics(Direction::ToPeer).wire_bytes, 90U + 45U * 1538U);
  bench.expect_everything_delivered();
}
INSTANTIATE_TEST_SUITE_P(Rates, SegmentedPacket,
                         testing::Values(WireTime{1, 12'208_ns, 553'584_ns},         //
                                         WireTime{10, 1'220'800_ps, 55'358'400_ps},  //
                                         WireTime{25, 488'320_ps, 22'143'360_ps},    //
                                         WireTime{100, 122'080_ps, 5'535'840_ps},    //
                                         WireTime{200, 61'040_ps, 2'767'920_ps}));

class DeepQueue : public tests::Simulation, public testing::WithParamInterface<std::uint64_t> {};

/// A memory latency of 1 us is 2 % of a packet at 10 Gb/s and a fifth of one at 100: it must not show.
TEST_P(DeepQueue, HidesTheLatencyOfMemory) {
  NicConfig config = instant_nic();
  config.rate = BitRate{GetParam() * 1'000'000'000};
  config.packet_processing = 60_ns;
  Bench bench{config};
  bench.memory.latency = 1_us;
  bench.memory.rate = ByteRate{25'000'000'000};
  thread([&] {
    bench.start();
    bench.connect();
    for (unsigned i = 0; i < 64; ++i) bench.put_packet(Bench::kPayload + i * 65536, k45Segments);
    bench.doorbell();
  });
  run();
  const auto& pieces = bench.application.pieces;
  ASSERT_EQ(pieces.size(), 64U);
  const double seconds = static_cast<double>((pieces.back().last - pieces.front().first).count()) * 1e-12;
  const double share = 63.0 * k45Segments / seconds * 8 / (static_cast<double>(GetParam()) * 1e9);
  // 63 packets and all frames but one of another lie between first and last arrival.
  EXPECT_NEAR(share * (64.0 * 45 - 1) / (63.0 * 45), 1448.0 / 1538.0, 0.001 * 1448.0 / 1538.0);
  bench.expect_everything_delivered();
}
INSTANTIATE_TEST_SUITE_P(Rates, DeepQueue, testing::Values(10, 25, 100));

class Transmit : public tests::Simulation {};

TEST_F(Transmit, SlowMemorySpreadsTheFramesAndNoneComesBeforeItsBytes) {
  Bench bench;
  bench.memory.latency = 1_us;
  bench.memory.rate = ByteRate{500'000'000};  // 2 ns per byte; the wire takes 0.8
  Picoseconds rung;
  thread([&] {
    bench.start();
    bench.connect();
    bench.put_packet(Bench::kPayload, k45Segments);
    rung = simulated_now();
    bench.doorbell();
  });
  run();
  // Two descriptors and the packet in a row: (32 + 66 + 65160) x 2 ns; each read adds its latency, but those of the
  // packet overlap. Then the last frame itself.
  const Picoseconds fetched = 1_us + 64_ns + 1_us + 130'452_ns;
  const Picoseconds last = bench.application.pieces[0].last - rung;
  EXPECT_GE(last, fetched + 1'220'800_ps);
  EXPECT_LE(last, fetched + 1'220'800_ps + 44_ps);                      // the spacing of 45 frames is rounded up
  EXPECT_GT(bench.application.pieces[0].first - rung, 2_us + 8192_ns);  // 4 KiB are in the FIFO
  bench.expect_everything_delivered();
}

TEST_F(Transmit, GathersManySmallFragments) {
  Bench bench;
  thread([&] {
    bench.start(512);
    bench.connect();
    Bench::Packet packet{.fragments = {}, .flags = kTxInsertChecksum, .mss = 0};
    for (std::uint64_t i = 0; i < 200; ++i) {
      packet.fragments.push_back({Bench::kPayload + i * 5000, static_cast<std::uint16_t>(1 + i % 13)});
    }
    bench.put_packet(packet);
    bench.doorbell();
  });
  run();
  EXPECT_EQ(bench.nic.statistics().tx_descriptors, 1U + 201U);
  bench.expect_everything_delivered();
}

TEST_F(Transmit, SegmentsAcrossFragmentsOfEverySize) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.connect();
    Bench::Packet packet{.fragments = {{Bench::kPayload + 17, 1},
                                       {Bench::kPayload + 5000, 4096},
                                       {Bench::kPayload + 9096, 4096},
                                       {Bench::kPayload + 20000, 3}}};
    bench.put_packet(packet);
    bench.put_packet(Bench::kPayload + 30000, 1449);
    bench.put_packet(Bench::kPayload + 40000, 1);
    bench.doorbell();
  });
  run();
  EXPECT_EQ(bench.wire.statistics(Direction::ToPeer).frames, 1U + 6U + 2U + 1U);
  bench.expect_everything_delivered();
}

TEST_F(Transmit, RingWrapsAround) {
  Bench bench;
  thread([&] {
    bench.start(8);
    bench.connect();
    for (unsigned i = 0; i < 50; ++i) {
      // Two descriptors each; at most seven may be outstanding.
      while ((bench.tx_tail - bench.memory.load<std::uint32_t>(Bench::kHead) + 8) % 8 + 2 > 7) {
        sc_core::wait(1, sc_core::SC_US);
      }
      bench.put_packet(Bench::kPayload + i * 3000, 2000);
      bench.doorbell();
    }
  });
  run();
  EXPECT_EQ(bench.nic.statistics().tx_packets, 1U + 50U);
  EXPECT_EQ(bench.read(reg::kTxHead), bench.tx_tail);
  EXPECT_EQ(bench.read(reg::kErrors), 0U);
  bench.expect_everything_delivered();
}

TEST_F(Transmit, FullRingIsSentAndThenEmpty) {
  Bench bench;
  thread([&] {
    bench.start(8);
    bench.connect();
    for (unsigned i = 0; i < 3; ++i) bench.put_packet(Bench::kPayload + i * 3000, 2000);
    bench.put_packet({.fragments = {}, .flags = kTxInsertChecksum});  // the seventh descriptor
    bench.doorbell();
  });
  run();
  EXPECT_EQ(bench.read(reg::kTxHead), bench.tx_tail);
  EXPECT_EQ(bench.memory.load<std::uint32_t>(Bench::kHead), bench.tx_tail);
  bench.expect_everything_delivered();
}

TEST_F(Transmit, APacketPostedInPartsWaitsForItsEnd) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.connect();
    bench.put_packet({.fragments = {{Bench::kPayload, 1000}, {Bench::kPayload + 5000, 1000}}});
    bench.write(reg::kTxTail, bench.tx_tail - 1);
    sc_core::wait(100, sc_core::SC_US);
    EXPECT_EQ(bench.nic.statistics().tx_packets, 1U);
    bench.doorbell();
  });
  run();
  bench.expect_everything_delivered();
}

TEST_F(Transmit, HeadIsWrittenBackWhenTheBytesAreInTheFifo) {
  Bench bench;
  bench.memory.latency = 3_us;
  thread([&] {
    bench.start();
    bench.connect();
    bench.put_packet(Bench::kPayload, 1000);
    bench.doorbell();
    sc_core::wait(5'900, sc_core::SC_NS);  // descriptors 3 us, packet 3 us
    EXPECT_EQ(bench.memory.load<std::uint32_t>(Bench::kHead), 1U);
    EXPECT_EQ(bench.read(reg::kTxHead), 1U);
    sc_core::wait(200, sc_core::SC_NS);
    EXPECT_EQ(bench.memory.load<std::uint32_t>(Bench::kHead), 3U);
    EXPECT_EQ(bench.read(reg::kTxHead), 3U);
  });
  run();
}

TEST_F(Transmit, FifoIsNeverFullerThanItsSize) {
  NicConfig config = instant_nic();
  config.tx_fifo = 20_KiB;
  Bench bench{config};
  bench.memory.latency = 500_ns;
  thread([&] {
    bench.start();
    bench.connect();
    bench.memory.reads.clear();
    for (unsigned i = 0; i < 8; ++i) bench.put_packet(Bench::kPayload + i * 65536, k45Segments);
    bench.doorbell();
  });
  run();
  // Bytes that came from memory by some instant, less what the wire had carried away by then at the very most.
  Bytes fetched = 0;
  const auto first = bench.application.pieces.front().first;
  for (const auto& read : bench.memory.reads) {
    if (read.to != Place::NicFifo) continue;
    fetched += read.size;
    const auto frames_gone = read.done < first ? 0 : (read.done - first).count() / 1'230'400 + 2;
    EXPECT_LE(fetched, 20_KiB + static_cast<Bytes>(frames_gone) * 1514);
  }
  EXPECT_EQ(fetched, 8U * (66 + 65160));
  bench.expect_everything_delivered();
}

TEST_F(Transmit, WithoutGatherSeveralDescriptorsAreAnErrorAndTheNextPacketGoes) {
  NicConfig config = instant_nic();
  config.gather = false;
  Bench bench{config};
  thread([&] {
    bench.start();
    EXPECT_EQ(bench.read(reg::kCapabilities), capability::kChecksumOffload | capability::kSegmentationOffload);
    bench.connect();  // a SYN is one descriptor
    bench.put_packet({.fragments = {{Bench::kPayload, 500}}, .flags = kTxInsertChecksum});
    bench.doorbell();
    sc_core::wait(50, sc_core::SC_US);
    EXPECT_EQ(bench.read(reg::kErrors), 1U);
    EXPECT_EQ(bench.read(reg::kTxHead), 3U) << "descriptors of a bad packet are done";
    bench.sequence -= 500;
    bench.sent.clear();
    // Header and payload in one piece.
    bench.memory.bytes[Bench::kPayload + 66] = std::byte{42};
    PacketHeader header;
    header.source_address = 0x0A000001;
    header.destination_address = 0x0A000002;
    header.source_port = 40000;
    header.destination_port = 80;
    header.sequence = bench.sequence;
    header.flags = tcp_flag::kAck;
    header.payload_size = 1;
    bench.memory.store(Bench::kPayload, encode(header));
    bench.ledger.stored(PhysAddr{Bench::kPayload}, 66);
    bench.put_descriptor({Bench::kPayload, 67, kTxEndOfPacket | kTxInsertChecksum, kAllHeaders, 0, 0});
    bench.sent.push_back(std::byte{42});
    bench.doorbell();
  });
  run();
  EXPECT_EQ(bench.nic.statistics().descriptor_errors, 1U);
  bench.expect_everything_delivered();
}

struct OffloadCase {
  bool checksum;
  bool segmentation;
  std::uint32_t capabilities;
};
void PrintTo(const OffloadCase& offloads, std::ostream* out) {
  *out << "checksum_" << offloads.checksum << "_segmentation_" << offloads.segmentation;
}
class Offloads : public tests::Simulation, public testing::WithParamInterface<OffloadCase> {};

TEST_P(Offloads, AreReportedAndRefusedWhenAbsent) {
  NicConfig config = instant_nic();
  config.checksum_offload = GetParam().checksum;
  config.segmentation_offload = GetParam().segmentation;
  Bench bench{config};
  thread([&] {
    bench.start();
    EXPECT_EQ(bench.read(reg::kCapabilities), capability::kGather | GetParam().capabilities);
    bench.put_packet({.fragments = {}, .flags = kTxInsertChecksum, .tcp = tcp_flag::kSyn});
    bench.put_packet({.fragments = {{Bench::kPayload, 3000}}, .flags = kTxSegment});
    bench.doorbell();
  });
  run();
  const bool can_checksum = (GetParam().capabilities & capability::kChecksumOffload) != 0;
  const bool can_segment = (GetParam().capabilities & capability::kSegmentationOffload) != 0;
  EXPECT_EQ(bench.nic.statistics().descriptor_errors, (can_checksum ? 0U : 1U) + (can_segment ? 0U : 1U));
}
INSTANTIATE_TEST_SUITE_P(All, Offloads,
                         testing::Values(OffloadCase{true, true,
                                                     capability::kChecksumOffload | capability::kSegmentationOffload},
                                         OffloadCase{true, false, capability::kChecksumOffload},
                                         OffloadCase{false, true, 0}, OffloadCase{false, false, 0}));

TEST_F(Transmit, ChecksumOfSoftwareIsVerifiedByThePeer) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.connect();
    bench.put_packet({.fragments = {{Bench::kPayload, 1001}}, .flags = 0});
    bench.put_packet({.fragments = {{Bench::kPayload + 2000, 700}}, .flags = 0});
    bench.doorbell();
  });
  run();
  EXPECT_EQ(bench.peer.statistics().checksum_errors, 0U);
  bench.expect_everything_delivered();
}

TEST_F(Transmit, AWrongChecksumIsDroppedByThePeerAndCounted) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.connect();
    bench.put_packet({.fragments = {{Bench::kPayload, 1000}}, .flags = 0, .break_checksum = true});
    bench.doorbell();
  });
  run();
  EXPECT_EQ(bench.peer.statistics().checksum_errors, 1U);
  EXPECT_TRUE(bench.application.bytes.empty());
  EXPECT_EQ(bench.ledger.held_in(Place::Wire), 0);
}

TEST_F(Transmit, MovesArePutDownWithPayloadAndOverheadApart) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.connect();
    bench.put_packet(Bench::kPayload, k45Segments);
    bench.doorbell();
  });
  run();
  EXPECT_EQ(bench.ledger.delivered_bytes(), k45Segments);
  bool to_fifo = false, to_wire = false, to_peer = false;
  for (const base::Move& move : bench.ledger.moves()) {
    if (move.from == Place::PageCache && move.to == Place::NicFifo) {
      to_fifo = true;
      EXPECT_EQ(move.bytes.payload, k45Segments);
    }
    // The device makes a header for each frame: those of the SYN and 45 frames are overhead.
    const bool on_the_way = move.from == Place::NicFifo && move.to == Place::Wire;
    const bool at_the_end = move.from == Place::Wire && move.to == Place::Peer;
    if (on_the_way || at_the_end) {
      (on_the_way ? to_wire : to_peer) = true;
      EXPECT_EQ(move.by, base::Mover::Device);
      EXPECT_EQ(move.bytes.payload, k45Segments);
      EXPECT_EQ(move.bytes.overhead, 46U * 66U);
    }
  }
  EXPECT_TRUE(to_fifo && to_wire && to_peer);
  bench.expect_everything_delivered();
}

class RandomPackets : public tests::Simulation, public testing::WithParamInterface<unsigned> {};

TEST_P(RandomPackets, ArriveByteForByteAndNothingIsLeftBehind) {
  std::mt19937 random{GetParam()};
  const auto between = [&](unsigned low, unsigned high) {
    return low + static_cast<unsigned>(random() % (high - low + 1));
  };
  NicConfig config = instant_nic();
  config.tx_fifo = between(20, 200) * 1_KiB;
  config.descriptor_batch = between(1, 64);
  config.tx_coalesce_frames = between(1, 8);
  config.packet_processing = Picoseconds{between(0, 100'000)};
  PeerConfig peer = plain_peer();
  peer.ack_segments = between(1, 50);
  Bench bench{config, peer};
  bench.memory.latency = Picoseconds{between(0, 2'000'000)};
  bench.memory.rate = ByteRate{between(500, 50'000) * std::uint64_t{1'000'000}};
  const std::uint32_t ring = 128;
  thread([&] {
    bench.start(ring, 256);
    bench.post_buffers(255);
    bench.connect();
    // Every byte of payload memory goes out once, so that the ledger can tell bytes that come twice.
    std::uint64_t next = Bench::kPayload;
    while (next + 70'000 < bench.memory.bytes.size()) {
      Bench::Packet packet;
      packet.mss = static_cast<std::uint16_t>(between(100, 1448));
      const unsigned fragments = between(1, 20);
      Bytes left = 60'000;
      for (unsigned i = 0; i < fragments; ++i) {
        const auto size = static_cast<std::uint16_t>(between(1, static_cast<unsigned>(std::min<Bytes>(left, 9'000))));
        packet.fragments.push_back({next, size});
        next += size + (random() % 2 != 0 ? between(1, 3000) : 0U);
        left -= size;
        if (left == 0) break;
      }
      while ((bench.tx_tail - bench.memory.load<std::uint32_t>(Bench::kHead) + ring) % ring + 21 > ring - 1) {
        sc_core::wait(1, sc_core::SC_US);
      }
      bench.put_packet(packet);
      if (random() % 3 != 0) bench.doorbell();
      sc_core::wait(fabric::to_sc_time(1_us * between(0, 20)));
    }
    bench.doorbell();
  });
  run();
  EXPECT_GT(bench.sent.size(), 1_MiB);
  EXPECT_EQ(bench.read(reg::kErrors), 0U);
  EXPECT_EQ(bench.read(reg::kTxHead), bench.tx_tail);
  EXPECT_EQ(bench.ledger.delivered_bytes(), bench.sent.size());
  bench.expect_everything_delivered();
  for (const auto& piece : bench.application.pieces) {
    EXPECT_LE(piece.called, piece.first);
    EXPECT_LE(piece.first, piece.last);
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomPackets, testing::Range(1U, 9U));

}  // namespace
}  // namespace sluice::nic
