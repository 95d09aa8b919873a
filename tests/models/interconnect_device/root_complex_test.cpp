// SPDX-License-Identifier: Apache-2.0
// Routing, errors, the ledger and register accesses.
#include "models/interconnect/root_complex.h"

#include "tests/models/interconnect_device/test_machine.h"

namespace sluice::interconnect {
namespace {

constexpr PhysAddr kDoorbell = PhysAddr{fabric::kMmioBase + 0x10};
constexpr PhysAddr kStatus = PhysAddr{fabric::kMmioBase + 0x20};

using DmaRouting = MachineTest;
using RegisterAccess = MachineTest;

TEST_F(DmaRouting, NothingBehindTheAddressIsAnError) {
  thread([this] {
    EXPECT_EQ(read(TestMachine::kMemory - 32, 64, 0_ns).status, tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(write(TestMachine::kMemory, 1, 0_ns).status, tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(write(~std::uint64_t{0} - 63, 64, 0_ns).status, tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(read(fabric::kMmioBase, 4, 0_ns).status, tlm::TLM_ADDRESS_ERROR_RESPONSE);  // no device to device
    EXPECT_TRUE(read(TestMachine::kMemory - 64, 64, 0_ns).ok());
  });
  run();
  EXPECT_EQ(machine.root.statistics().unsupported_requests, 4U);
  EXPECT_EQ(machine.root.statistics().dma_read, 64U);
  EXPECT_EQ(machine.memory.arrived.size(), 1U);
}

TEST_F(DmaRouting, ARefusedReadTakesARoundTripWithoutData) {
  thread([this] {
    EXPECT_EQ(read(TestMachine::kMemory, 64_KiB, 0_ns).done, wire(24) + kLink + kRoute * 2 + wire(20) + kLink);
  });
  run();
}

TEST_F(DmaRouting, OnlyWritesOfFourBytesAreMessages) {
  thread([this] {
    const std::uint64_t msi = fabric::msi_address(5).value();
    EXPECT_TRUE(message(5, 0_ns).ok());
    EXPECT_FALSE(read(msi, 4, 0_ns).ok());
    EXPECT_FALSE(write(msi, 8, 0_ns).ok());
    EXPECT_FALSE(write(fabric::kMsiBase + fabric::kMsiSize - 2, 4, 0_ns).ok());
    EXPECT_FALSE(write(fabric::kMsiBase - 4, 4, 0_ns).ok());
  });
  run();
  EXPECT_EQ(machine.root.statistics().messages, 1U);
  EXPECT_EQ(machine.root.statistics().unsupported_requests, 4U);
}

TEST_F(DmaRouting, PayloadIsReportedToTheLedgerAndCarriedAlong) {
  auto& ledger = machine.ledger;
  ledger.assign(Frame{2}, Place::PageCache);
  ledger.record(true);
  const base::Shadow file{{.at = 0, .size = 4096, .offset = 8192, .file = 7, .generation = 1}};
  thread([&] {
    const std::vector<std::byte> from_disk(4096);
    std::vector<std::byte> to_nic(1500);
    base::Shadow learned;
    (void)machine.device.dma.write(BusAddr{8192}, from_disk, 0_ns, Place::DiskBuffer, &file);
    (void)machine.device.dma.read(BusAddr{8292}, to_nic, 0_ns, Place::NicFifo, &learned);
    EXPECT_EQ(learned, (base::Shadow{{.at = 0, .size = 1500, .offset = 8292, .file = 7, .generation = 1}}));
  });
  run();
  const auto moves = ledger.moves();
  ASSERT_EQ(moves.size(), 2U);
  EXPECT_EQ(moves[0].from, Place::DiskBuffer);
  EXPECT_EQ(moves[0].to, Place::PageCache);
  EXPECT_EQ(moves[0].by, Mover::Dma);
  EXPECT_EQ(moves[0].bytes.payload, 4096U);
  EXPECT_EQ(moves[1].from, Place::PageCache);
  EXPECT_EQ(moves[1].to, Place::NicFifo);
  EXPECT_EQ(moves[1].bytes.payload, 1500U);
  EXPECT_EQ(machine.root.statistics().dma_control, 0U);
}

TEST_F(DmaRouting, DescriptorsAndCompletionsAreNoMoves) {
  auto& ledger = machine.ledger;
  ledger.assign(Frame{2}, Place::PageCache);
  ledger.declare(PhysAddr{8192}, {{.at = 0, .size = 4096, .offset = 0, .file = 1, .generation = 1}}, 4096);
  ledger.record(true);
  thread([this] {
    (void)read(0, 64, 0_ns, Place::KernelMemory);
    (void)write(8192, 16, 0_ns, Place::KernelMemory);
  });
  run();
  EXPECT_TRUE(ledger.moves().empty());
  EXPECT_EQ(base::payload_in(ledger.shadow_of(PhysAddr{8192}, 4096)), 4080U);  // what was written over is gone
  EXPECT_EQ(machine.root.statistics().dma_control, 80U);
}

TEST_F(RegisterAccess, AWriteHoldsTheCoreForItsAcceptanceAndArrivesLater) {
  thread([this] {
    const auto answer = machine.core.write(kDoorbell, 4, 7);
    EXPECT_EQ(answer.status, tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(answer.delay, 125_ns);
    EXPECT_TRUE(machine.device.rung.empty());
  });
  run();
  ASSERT_EQ(machine.device.rung.size(), 1U);
  EXPECT_EQ(machine.device.rung[0].first, 7U);
  EXPECT_EQ(machine.device.rung[0].second, kRoute + wire(28) + kLink);
}

TEST_F(RegisterAccess, WritesArriveInOrder) {
  thread([this] {
    for (unsigned i = 0; i < 3; ++i) (void)machine.core.write(kDoorbell, 4, i);
    sc_core::wait(10, sc_core::SC_NS);
    (void)machine.other_core.write(kDoorbell, 4, 3);
  });
  run();
  ASSERT_EQ(machine.device.rung.size(), 4U);
  for (unsigned i = 0; i < 4; ++i) {
    EXPECT_EQ(machine.device.rung[i].first, i);
    EXPECT_EQ(machine.device.rung[i].second, kRoute + wire(28) * (i + 1) + kLink);
  }
}

TEST_F(RegisterAccess, AReadIsARoundTrip) {
  thread([this] {
    machine.device.last = 42;
    const auto answer = machine.core.read(kStatus, 8);
    EXPECT_EQ(answer.status, tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(answer.value, 42U);
    EXPECT_EQ(answer.delay, kRoute + wire(24) + kLink + wire(28) + kLink + kRoute + 250_ns);
  });
  run();
}

TEST_F(RegisterAccess, AReadPushesTheWritesBeforeIt) {
  thread([this] {
    (void)machine.core.write(kDoorbell, 4, 9);
    EXPECT_EQ(machine.core.read(kStatus, 8).value, 9U);
  });
  run();
  EXPECT_EQ(machine.device.rung.size(), 1U);  // and they do not come a second time
}

TEST_F(RegisterAccess, AReadAnswerPushesTheDataBeforeIt) {
  thread([this] {
    (void)write(0, 64_KiB, 0_ns);
    const Picoseconds visible = wire(65536 + 256 * 24) + kLink + kRoute;  // the answer is right behind it
    EXPECT_EQ(machine.core.read(kStatus, 8).delay, visible + kRoute + 250_ns);
  });
  run();
}

TEST_F(RegisterAccess, AReadAnswerWaitsForDataThatASlowMemoryStillTakes) {
  machine.memory.write_latency = 20_us;
  thread([this] {
    const Picoseconds visible = write(0, 64, 0_ns).done;
    EXPECT_EQ(machine.core.read(kStatus, 8).delay, visible + kRoute + 250_ns);
  });
  run();
}

TEST_F(RegisterAccess, ADoorbellPassesAStreamOfCompletions) {
  Picoseconds rung_at;
  thread([&] {
    (void)read(0, 256_KiB, 0_ns);  // over 280 us of completions
    sc_core::wait(100, sc_core::SC_US);
    rung_at = 100_us;
    (void)machine.core.write(kDoorbell, 4, 1);
  });
  run();
  ASSERT_EQ(machine.device.rung.size(), 1U);
  EXPECT_EQ(machine.device.rung[0].second, rung_at + kRoute + wire(280) + wire(28) + kLink);
}

TEST_F(RegisterAccess, AHoleIsAnErrorOfAReadAndSilenceOfAWrite) {
  thread([this] {
    EXPECT_EQ(machine.core.read(PhysAddr{fabric::kMmioBase + 0x14}, 4).status, tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(machine.core.read(kStatus, 4).status, tlm::TLM_BURST_ERROR_RESPONSE);
    EXPECT_EQ(machine.core.write(PhysAddr{fabric::kMmioBase + 0x14}, 4, 1).status, tlm::TLM_OK_RESPONSE);
  });
  run();
  EXPECT_EQ(machine.link.refused_writes(), 1U);
  EXPECT_EQ(machine.device.bank.illegal_accesses(), 3U);
}

TEST_F(RegisterAccess, AnAccessThatNoLinkTakesIsAnError) {
  thread([this] {
    const PhysAddr beyond{fabric::kMmioBase + fabric::kMmioWindow};
    EXPECT_EQ(machine.core.read(beyond, 4).status, tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(machine.core.write(beyond, 4, 1).status, tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(machine.core.read(PhysAddr{0}, 4).status, tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(machine.core.write(kDoorbell, 16, 1).status, tlm::TLM_BURST_ERROR_RESPONSE);
  });
  run();
  EXPECT_EQ(machine.root.statistics().unsupported_requests, 3U);
  EXPECT_EQ(machine.root.statistics().register_reads, 2U);
  EXPECT_EQ(machine.root.statistics().register_writes, 2U);
}

}  // namespace
}  // namespace sluice::interconnect
