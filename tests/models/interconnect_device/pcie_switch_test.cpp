// SPDX-License-Identifier: Apache-2.0
// Two devices behind a switch: shared link, register accesses, device to device.
#include "models/interconnect/pcie_switch.h"

#include "tests/models/interconnect_device/test_machine.h"

namespace sluice::interconnect {
namespace {

constexpr PhysAddr register_of(unsigned device, Bytes offset) { return fabric::register_window(device) + offset; }

PcieSwitchConfig quick_switch(bool peer_to_peer) {
  PcieSwitchConfig config;
  config.forwarding_latency = 100_ns;
  config.peer_to_peer = peer_to_peer;
  return config;
}

class PcieSwitchTest : public tests::Simulation {
 protected:
  explicit PcieSwitchTest(bool peer_to_peer = false, const PcieLinkConfig& uplink_config = slow_link())
      : root("root", plain_root(), 1_MiB, ledger, 1),
        uplink("uplink", uplink_config),
        pcie_switch("switch", quick_switch(peer_to_peer), 2) {
    uplink.root_complex.bind(root.devices[0]);
    root.links[0].bind(uplink.mmio);
    pcie_switch.uplink.bind(uplink.device);
    uplink.registers.bind(pcie_switch.mmio);
    for (unsigned i = 0; i < 2; ++i) {
      devices[i]->dma.bus.bind(links[i]->device);
      links[i]->root_complex.bind(pcie_switch.devices[i]);
      pcie_switch.links[i].bind(links[i]->mmio);
      links[i]->registers.bind(devices[i]->bank.bus);
      root.add_window(i, 0);
      pcie_switch.add_window(i, i);
    }
    root.memory.bind(memory.bus);
    root.interrupts.bind(interrupts.messages);
    core.bus.bind(root.cpu);
  }
  fabric::DmaPort::Completion write(unsigned device, std::uint64_t to, Bytes size, Picoseconds at = 0_ns) {
    const std::vector<std::byte> data(size);
    return devices[device]->dma.write(BusAddr{to}, data, at, Place::DiskBuffer);
  }
  fabric::DmaPort::Completion read(unsigned device, std::uint64_t from, Bytes size, Picoseconds at = 0_ns) {
    std::vector<std::byte> data(size);
    return devices[device]->dma.read(BusAddr{from}, data, at, Place::NicFifo);
  }

  base::Ledger ledger;
  TestMemory memory{"memory", 1_MiB};
  TestInterrupts interrupts{"interrupts"};
  TestDevice device0{"device0"};
  TestDevice device1{"device1"};
  PcieLink link0{"link0", slow_link()};
  PcieLink link1{"link1", slow_link()};
  TestDevice* devices[2] = {&device0, &device1};
  PcieLink* links[2] = {&link0, &link1};
  TestCore core{"core"};
  RootComplex root;
  PcieLink uplink;
  PcieSwitch pcie_switch;
};

class PeerToPeerTest : public PcieSwitchTest {
 protected:
  PeerToPeerTest() : PcieSwitchTest(true) {}
};

TEST_F(PcieSwitchTest, AWriteTakesTwoLinksAndTheSwitch) {
  thread([this] {
    // One TLP of 64 B and 24 B of headers on each link.
    EXPECT_EQ(write(0, 0, 64).done, (wire(88) + kLink) * 2 + 100_ns + kRoute + memory.write_latency);
  });
  run();
  EXPECT_EQ(pcie_switch.statistics().forwarded, 1U);
}

TEST_F(PcieSwitchTest, AReadComesBackTheSameWay) {
  thread([this] {
    const Picoseconds there = wire(24) + kLink + 100_ns + wire(24) + kLink + kRoute;
    const Picoseconds back = kRoute + wire(84) + kLink + 100_ns + wire(84) + kLink;
    const auto done = read(0, 0, 64).done;
    const Picoseconds expected = there + memory.read_latency + transfer_time(64, memory.rate) + back;
    EXPECT_GE(done, expected - 10_ns);
    EXPECT_LE(done, expected + 10_ns);
  });
  run();
}

TEST_F(PcieSwitchTest, DevicesShareTheLinkAboveTheSwitch) {
  Picoseconds alone;
  Picoseconds second;
  thread([&] {
    const Picoseconds begin = 1_ms;
    alone = write(0, 0, 64_KiB, begin).done - begin;
    second = write(1, 65536, 64_KiB, begin).done - begin;
  });
  run();
  const Picoseconds whole = links[0]->arithmetic().time(links[0]->arithmetic().write(0, 64_KiB).wire);
  EXPECT_GE(second - alone, whole - 1_us) << "the second transfer waits for the first one's bytes";
  EXPECT_EQ(uplink.upstream().payload, 128_KiB);
}

TEST_F(PcieSwitchTest, AFastLinkAboveCarriesASlowDeviceNoFasterThanItsBytesCome) {
  thread([this] {
    const auto done = write(0, 0, 64_KiB).done;
    const Picoseconds slow = links[0]->arithmetic().time(links[0]->arithmetic().write(0, 64_KiB).wire);
    EXPECT_GE(done, slow);
  });
  run();
}

TEST_F(PcieSwitchTest, RegistersOfEachDeviceAreReachedThroughBothLinks) {
  thread([this] {
    EXPECT_EQ(core.write(register_of(0, 0x10), 4, 11).status, tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(core.write(register_of(1, 0x10), 4, 22).status, tlm::TLM_OK_RESPONSE);
    sc_core::wait(10, sc_core::SC_US);
    ASSERT_EQ(devices[0]->rung.size(), 1U);
    ASSERT_EQ(devices[1]->rung.size(), 1U);
    EXPECT_EQ(devices[1]->rung[0].first, 22U);
    EXPECT_GE(devices[1]->rung[0].second, kLink * 2 + 100_ns);
    EXPECT_EQ(core.read(register_of(1, 0x20), 8).value, 22U);
    EXPECT_NE(core.read(register_of(2, 0x20), 8).status, tlm::TLM_OK_RESPONSE) << "no such device";
  });
  run();
}

TEST_F(PcieSwitchTest, AMessageOfADeviceReachesTheInterruptController) {
  thread([this] {
    const std::uint32_t vector = 5;
    EXPECT_TRUE(devices[1]->dma.write(fabric::msi_address(5), std::as_bytes(std::span{&vector, 1}), 0_ns).ok());
  });
  run();
  EXPECT_EQ(interrupts.addresses, std::vector<std::uint64_t>{fabric::msi_address(5).value()});
}

TEST_F(PcieSwitchTest, RefusesDeviceToDeviceUnlessItMayBe) {
  thread([this] {
    EXPECT_FALSE(write(0, register_of(1, 0x10).value(), 4).ok());
    sc_core::wait(10, sc_core::SC_US);
  });
  run();
  EXPECT_TRUE(devices[1]->rung.empty());
  EXPECT_EQ(pcie_switch.statistics().refused, 1U);
  EXPECT_EQ(uplink.upstream().tlps, 0U);
}

TEST_F(PeerToPeerTest, RoutesDeviceToDeviceBelowTheSharedLink) {
  thread([this] {
    const std::uint32_t bell = 9;
    const auto to = BusAddr{register_of(1, 0x10).value()};
    EXPECT_TRUE(devices[0]->dma.write(to, std::as_bytes(std::span{&bell, 1}), 0_ns).ok());
    sc_core::wait(10, sc_core::SC_US);
    ASSERT_EQ(devices[1]->rung.size(), 1U);
    EXPECT_EQ(devices[1]->rung[0].first, 9U);
  });
  run();
  EXPECT_EQ(pcie_switch.statistics().peer_to_peer, 1U);
  EXPECT_EQ(uplink.upstream().tlps, 0U);
}

}  // namespace
}  // namespace sluice::interconnect
