// SPDX-License-Identifier: Apache-2.0
// Registers, interrupts of the transmit side, reset, and what a wrong driver gets.
#include <gtest/gtest.h>

#include "tests/models/nic_device/nic_bench.h"

namespace sluice::nic {
namespace {

class Control : public tests::Simulation {};

TEST_F(Control, RegistersReadBackAndHaveTheirResetValues) {
  Bench bench;
  thread([&] {
    EXPECT_EQ(bench.read(reg::kStatus), 1U);
    EXPECT_EQ(bench.read(reg::kMtu), 1500U);
    EXPECT_EQ(bench.read(reg::kControl), 0U);
    EXPECT_EQ(bench.read(reg::kCapabilities), 7U);
    EXPECT_EQ(bench.read(reg::kInterruptMask), 0U);
    bench.start(64, 32);
    EXPECT_EQ(bench.read(reg::kTxRingSize), 64U);
    EXPECT_EQ(bench.read(reg::kRxRingSize), 32U);
    EXPECT_EQ(bench.read(reg::kTxVector), Bench::kTxVector);
    EXPECT_EQ(bench.read(reg::kControl), control::kEnable);
    EXPECT_EQ(bench.read(reg::kTxRingBase), Bench::kTxRing);
    std::uint64_t value = 0;
    EXPECT_EQ(bench.access(tlm::TLM_READ_COMMAND, 0x4000, 4, value), tlm::TLM_ADDRESS_ERROR_RESPONSE);
  });
  run();
}

TEST_F(Control, BadValuesAreCountedAndIgnored) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.write(reg::kTxRingSize, 100);
    bench.write(reg::kTxRingBase, 0x10008);
    bench.write(reg::kTxHeadWriteback, 0x30002);
    bench.write(reg::kTxVector, 70000);
    bench.write(reg::kTxTail, 256);
    bench.write(reg::kRxRingSize, 0);
    bench.write(reg::kRxTail, 0xFFFF);
    bench.write(reg::kMtu, 100);
    EXPECT_EQ(bench.read(reg::kErrors), 8U);
    EXPECT_EQ(bench.read(reg::kTxRingSize), 256U);
    EXPECT_EQ(bench.read(reg::kMtu), 1500U);
    bench.connect();  // and it works
    EXPECT_EQ(bench.nic.statistics().tx_packets, 1U);
  });
  run();
}

TEST_F(Control, ARingFullOfDescriptorsWithoutAnEndIsAnErrorAndTheQueueGoesOn) {
  Bench bench;
  thread([&] {
    bench.start(4, 4);
    for (int i = 0; i < 3; ++i) bench.put_descriptor({Bench::kPayload, 100, 0, kAllHeaders, 0, 0});
    bench.doorbell();
    sc_core::wait(1, sc_core::SC_MS);
    EXPECT_EQ(bench.read(reg::kErrors), 1U);
    EXPECT_EQ(bench.read(reg::kTxHead), 3U) << "the descriptors are the driver's again";
    EXPECT_EQ(bench.memory.load<std::uint32_t>(Bench::kHead), 3U);
    EXPECT_EQ(bench.messages(Bench::kTxVector).size(), 1U);
    bench.connect();
    EXPECT_EQ(bench.nic.statistics().tx_packets, 1U);
  });
  run();
}

TEST_F(Control, ResetStopsFramesThatHaveNotBegun) {
  Bench bench;
  Picoseconds reset;
  thread([&] {
    bench.start();
    bench.connect();
    for (int i = 0; i < 100; ++i) bench.put_packet(Bench::kPayload + 1448U * static_cast<unsigned>(i), 1448);
    bench.doorbell();
    sc_core::wait(20, sc_core::SC_US);
    reset = simulated_now();
    bench.write(reg::kControl, control::kReset);
  });
  run();
  // A full frame takes 1230.4 ns at 10 Gb/s with its gap.
  ASSERT_FALSE(bench.application.pieces.empty());
  EXPECT_LE(bench.application.pieces.back().last, reset + 1'230'400_ps);
  EXPECT_GE(bench.application.pieces.back().last, reset - 1'230'400_ps) << "the wire was busy until then";
  EXPECT_LT(bench.application.bytes.size(), 20U * 1448U);
  EXPECT_EQ(bench.ledger.held_in(Place::Wire), 0);
}

TEST_F(Control, HalfAPacketIsWaitedForWhileTheRingHasRoom) {
  Bench bench;
  thread([&] {
    bench.start(4, 4);
    for (int i = 0; i < 2; ++i) bench.put_descriptor({Bench::kPayload, 100, 0, kAllHeaders, 0, 0});
    bench.doorbell();
    sc_core::wait(1, sc_core::SC_MS);
    EXPECT_EQ(bench.read(reg::kErrors), 0U);
    EXPECT_EQ(bench.read(reg::kTxHead), 0U);
  });
  run();
}

TEST_F(Control, NothingIsSentBeforeItIsEnabled) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.write(reg::kControl, 0);
    bench.connect();
    EXPECT_EQ(bench.nic.statistics().tx_packets, 0U);
    bench.write(reg::kControl, control::kEnable);
    sc_core::wait(100, sc_core::SC_US);
    EXPECT_EQ(bench.nic.statistics().tx_packets, 1U);
  });
  run();
}

TEST_F(Control, ResetForgetsTheRingsAndADriverCanStartAgain) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.connect();
    bench.memory.latency = 10_us;
    bench.put_packet(Bench::kPayload, 5000);
    bench.doorbell();
    sc_core::wait(2, sc_core::SC_US);  // the descriptors are on their way
    bench.write(reg::kTxTail, 70000);
    bench.write(reg::kControl, control::kReset);
    EXPECT_EQ(bench.read(reg::kErrors), 0U);
    EXPECT_EQ(bench.read(reg::kTxRingSize), 0U);
    EXPECT_EQ(bench.read(reg::kControl), 0U);
    bench.sequence -= 5000;
    bench.sent.clear();
    bench.start(64, 64);
    bench.put_packet(Bench::kPayload + 8192, 3000);
    bench.doorbell();
  });
  run();
  EXPECT_EQ(bench.nic.statistics().tx_packets, 2U);
  bench.expect_everything_delivered();
}

TEST_F(Control, ARingOutsideMemoryHaltsTheQueueUntilReset) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.write(reg::kTxRingBase, 0xFFFF'0000'0000);
    bench.write(reg::kTxTail, 1);
    sc_core::wait(10, sc_core::SC_US);
    EXPECT_EQ(bench.read(reg::kErrors), 1U);
    bench.write(reg::kTxTail, 2);
    sc_core::wait(10, sc_core::SC_US);
    EXPECT_EQ(bench.read(reg::kErrors), 1U);
    bench.write(reg::kControl, control::kReset);
    bench.start();
    bench.connect();
    EXPECT_EQ(bench.nic.statistics().tx_packets, 1U);
  });
  run();
}

TEST_F(Control, AFragmentOutsideMemoryDropsItsPacketOnly) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.connect();
    const std::uint32_t first = bench.tx_tail;
    bench.put_packet(Bench::kPayload, 1000);
    bench.sequence -= 1000;
    bench.sent.clear();
    auto descriptor = bench.memory.load<TxDescriptor>(Bench::kTxRing + (first + 1) * 16);
    descriptor.address = 0xFFFF'0000'0000;
    bench.memory.store(Bench::kTxRing + (first + 1) * 16, descriptor);
    bench.put_packet(Bench::kPayload + 4096, 2000);
    bench.doorbell();
  });
  run();
  EXPECT_EQ(bench.nic.statistics().dma_errors, 1U);
  EXPECT_EQ(bench.read(reg::kTxHead), bench.tx_tail);
  bench.expect_everything_delivered();
}

TEST_F(Control, AHeaderThatIsNoneDropsThePacket) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.connect();
    bench.put_descriptor({Bench::kPayload, 1000, kTxEndOfPacket | kTxInsertChecksum, kAllHeaders, 0, 0});
    bench.doorbell();
  });
  run();
  EXPECT_EQ(bench.nic.statistics().descriptor_errors, 1U);
  EXPECT_EQ(bench.ledger.held_in(Place::NicFifo), 0);
}

struct CoalescingCase {
  const char* what;
  unsigned frames;
  Picoseconds time;
  std::vector<Picoseconds> messages;  ///< after the first doorbell
};
void PrintTo(const CoalescingCase& c, std::ostream* out) { *out << c.what; }
class TransmitCoalescing : public tests::Simulation, public testing::WithParamInterface<CoalescingCase> {};

/// Six packets, posted 2 us apart; memory answers at once.
TEST_P(TransmitCoalescing, MessagesComeByCountOrByTime) {
  NicConfig config = instant_nic();
  config.tx_coalesce_frames = GetParam().frames;
  config.tx_coalesce_time = GetParam().time;
  Bench bench{config};
  Picoseconds first;
  thread([&] {
    bench.start();
    bench.connect();
    bench.memory.messages.clear();
    first = simulated_now();
    for (unsigned i = 0; i < 6; ++i) {
      bench.put_packet(Bench::kPayload + i * 4096, 1000);
      bench.doorbell();
      sc_core::wait(2, sc_core::SC_US);
    }
  });
  run();
  std::vector<Picoseconds> after;
  for (const Picoseconds at : bench.messages(Bench::kTxVector)) after.push_back(at - first);
  EXPECT_EQ(after, GetParam().messages);
}
INSTANTIATE_TEST_SUITE_P(Table, TransmitCoalescing,
                         testing::Values(CoalescingCase{"each", 1, 50_us, {0_us, 2_us, 4_us, 6_us, 8_us, 10_us}},
                                         CoalescingCase{"every_third", 3, 50_us, {4_us, 10_us}},
                                         CoalescingCase{"by_time", 100, 5_us, {5_us, 11_us}},
                                         CoalescingCase{"four_then_by_time", 4, 20_us, {6_us, 28_us}}));

TEST_F(Control, AMaskedTransmitCauseFiresOnceWhenUnmasked) {
  Bench bench;
  thread([&] {
    bench.start();
    bench.write(reg::kInterruptMask, cause::kTx);
    bench.connect();
    bench.put_packet(Bench::kPayload, 1000);
    bench.doorbell();
    sc_core::wait(10, sc_core::SC_US);
    EXPECT_EQ(bench.read(reg::kInterruptCause), cause::kTx);
    EXPECT_TRUE(bench.messages(Bench::kTxVector).empty());
    bench.write(reg::kInterruptMask, 0);
  });
  run();
  EXPECT_EQ(bench.messages(Bench::kTxVector).size(), 1U);
  EXPECT_EQ(bench.nic.statistics().tx_interrupts, 1U);
}

}  // namespace
}  // namespace sluice::nic
