// SPDX-License-Identifier: Apache-2.0
#include "models/platform/topology.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/base/result.h"
#include "models/disk/disk_config.h"
#include "models/nic/nic_config.h"
#include "models/platform/device_kinds.h"

namespace sluice::platform {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string complaint_about(const MachineDescription& machine) {
  try {
    check(machine, "machine.yaml");
  } catch (const base::InputError& refused) {
    return refused.what();
  }
  return "";
}

disk::DiskConfig& disk_of(MachineDescription& machine, const char* name = "disk") {
  return machine.find(name)->as<disk::DiskConfig>();
}
nic::NicConfig& nic_of(MachineDescription& machine, const char* name = "nic") {
  return machine.find(name)->as<nic::ConnectedNicConfig>().nic;
}
constexpr std::uint64_t kTwoWires = std::uint64_t{2942132640} * 2;

/// Two disks and two NICs; a disk and a NIC behind a switch.
MachineDescription large_machine() {
  MachineDescription machine = MachineDescription::standard();
  machine.add("switch0", "switch");
  machine.add("disk1", "disk").at = "switch0";
  machine.add("nic1", "nic").at = "switch0";
  return machine;
}

TEST(Topology, AcceptsTheStandardMachineAndOneWithMoreDevices) {
  EXPECT_EQ(complaint_about(MachineDescription::standard()), "");
  EXPECT_EQ(complaint_about(large_machine()), "");
}

TEST(Topology, RefusesAMachineWithoutADiskAndTakesOneWithoutANic) {
  MachineDescription machine = MachineDescription::standard();
  EXPECT_TRUE(machine.remove("nic"));
  EXPECT_EQ(complaint_about(machine), "");
  EXPECT_TRUE(machine.is_loopback());
  machine.devices.clear();
  EXPECT_THAT(complaint_about(machine), HasSubstr("it has no disk"));
}

TEST(Topology, RefusesADeviceThatIsAttachedToWhatIsNotThere) {
  MachineDescription machine = large_machine();
  machine.find("disk1")->at = "switch7";
  EXPECT_THAT(complaint_about(machine), HasSubstr("disk1 is attached to switch7, which is not there"));
  machine.find("disk1")->at = "nic";
  EXPECT_THAT(complaint_about(machine), HasSubstr("disk1 is attached to nic, which is no switch"));
}

TEST(Topology, RefusesSwitchesThatLeadNowhere) {
  MachineDescription machine = large_machine();
  machine.add("switch1", "switch").at = "switch0";
  machine.find("switch0")->at = "switch1";  // though files and peers lie behind devices at both ends
  EXPECT_THAT(complaint_about(machine), HasSubstr("switch0 cannot reach memory"));
}

TEST(Topology, RefusesMoreDevicesThanThereAreVectors) {
  MachineDescription machine = MachineDescription::standard();
  for (int i = 1; i < 40; ++i) machine.add("nic" + std::to_string(i), "nic");
  EXPECT_THAT(complaint_about(machine), HasSubstr("more than the interrupt controller's vectors"));
}

TEST(Topology, RefusesAPcieLinkThatDoesNotExist) {
  MachineDescription machine = MachineDescription::standard();
  machine.find("nic")->pcie.lanes = 7;
  EXPECT_THAT(complaint_about(machine), HasSubstr("pcie.nic: lanes must be"));
}

TEST(Topology, RoutesFromAMediumToAWireThroughMemory) {
  const Topology topology{large_machine(), false};
  EXPECT_THAT(topology.route("disk.media", "memory"), ElementsAre("disk.media", "pcie.disk", "io", "memory"));
  EXPECT_THAT(topology.route("disk1.media", "memory"),
              ElementsAre("disk1.media", "pcie.disk1", "pcie.switch0", "io", "memory"));
  EXPECT_THAT(topology.route("memory", "nic.wire"), ElementsAre("memory", "io", "pcie.nic", "nic.wire"));
  EXPECT_TRUE(topology.route("memory", "moon").empty());
}

// 25 Gb/s, MTU 1500: of 1538 bytes on the wire per frame, 1448 are payload (20 IP, 20 TCP, 12 timestamps, 14 header,
// 4 FCS, 8 preamble, 12 gap): 25e9 / 8 * 1448 / 1538 = 2942132639.8 bytes per second.
TEST(Topology, AWarmFileOnAFastLinkIsLimitedByTheWireWithoutHeadersFrameAndGap) {
  const Bound bound = Topology{MachineDescription::standard(), true}.static_bound();
  EXPECT_EQ(bound.bytes_per_s, 2942132640U);
  EXPECT_EQ(bound.limited_by, "nic.wire");
}

TEST(Topology, TwoNicsCarryTwiceAsMuchUnlessTheyShareALink) {
  MachineDescription machine = MachineDescription::standard();
  machine.add("nic1", "nic");
  EXPECT_EQ((Topology{machine, true}.static_bound().bytes_per_s), kTwoWires);

  machine.add("switch0", "switch").pcie.lanes = 4;
  for (const char* nic : {"nic", "nic1"}) machine.find(nic)->at = "switch0";
  const Bound shared = Topology{machine, true}.static_bound();
  EXPECT_EQ(shared.limited_by, "pcie.switch0");
  EXPECT_LT(shared.bytes_per_s, kTwoWires);
}

TEST(Topology, AColdFileIsLimitedByASlowDisk) {
  MachineDescription machine = MachineDescription::standard();
  disk_of(machine).medium = disk::MediumKind::Hdd;
  disk_of(machine).hdd.media_rate = ByteRate{105'000'000};
  const Bound cold = Topology{machine, false}.static_bound();
  EXPECT_EQ(cold.bytes_per_s, 105'000'000U);
  EXPECT_EQ(cold.limited_by, "disk.media");
  EXPECT_EQ((Topology{machine, true}.static_bound().limited_by), "nic.wire");

  const std::any same = machine.find("disk")->config;
  machine.add("disk1", "disk").config = same;
  EXPECT_EQ((Topology{machine, false}.static_bound().bytes_per_s), 210'000'000U) << "two disks read at once";
}

// 64 dies that each sense 16 KiB in 1 ms: 1,048,576,000 bytes per second, less than the channels carry.
TEST(Topology, FlashIsLimitedByItsDiesWhenTheyAreSlow) {
  MachineDescription machine = MachineDescription::standard();
  disk_of(machine).ssd.channels = 8;
  disk_of(machine).ssd.dies_per_channel = 8;
  disk_of(machine).ssd.page_size = 16_KiB;
  disk_of(machine).ssd.read_latency = 1_ms;
  const Bound cold = Topology{machine, false}.static_bound();
  EXPECT_EQ(cold.bytes_per_s, 1'048'576'000U);
  EXPECT_EQ(cold.limited_by, "disk.media");
}

TEST(Topology, ANarrowPcieLinkLimitsAFastNic) {
  MachineDescription machine = MachineDescription::standard();
  nic_of(machine).rate = BitRate{200'000'000'000};
  machine.find("nic")->pcie.ack_limit = machine.find("nic")->pcie.flow_control_limit = 203;
  const Bound bound = Topology{machine, true}.static_bound();
  EXPECT_EQ(bound.limited_by, "pcie.nic");
  // gen3 x8, MPS 256, MRRS 512: 53.69 Gb/s for reads (published model).
  EXPECT_NEAR(static_cast<double>(bound.bytes_per_s) * 8, 53.69e9, 0.01e9);
}

TEST(Topology, SlowMemoryLimitsAWarmFile) {
  MachineDescription machine = MachineDescription::standard();
  machine.memory.bandwidth = ByteRate{1'000'000'000};
  machine.memory.efficiency = Fraction{500'000};
  const Bound bound = Topology{machine, true}.static_bound();
  EXPECT_EQ(bound.bytes_per_s, 500'000'000U);
  EXPECT_EQ(bound.limited_by, "memory");
  // Cold with DDIO the bytes may pass through the cache alone; without it they go through memory.
  EXPECT_NE((Topology{machine, false}.static_bound().limited_by), "memory");
  machine.cache.ddio = false;
  EXPECT_EQ((Topology{machine, false}.static_bound().limited_by), "memory");
}

TEST(MachineDescription, NamesEveryParameterOnceWithHelpAndSource) {
  MachineDescription machine = large_machine();
  std::set<std::string> names;
  for (const Section& section : sections_of(machine)) {
    EXPECT_FALSE(section.table.parameters().empty()) << section.prefix;
    for (const base::Parameter& parameter : section.table.parameters()) {
      const std::string name = section.prefix + "." + parameter.name();
      EXPECT_TRUE(names.insert(name).second) << name;
      EXPECT_FALSE(parameter.help().empty()) << name;
      EXPECT_FALSE(parameter.source().empty()) << name;
      EXPECT_FALSE(parameter.allowed().empty()) << name;
      EXPECT_FALSE(parameter.get().empty()) << name;
    }
  }
  for (const char* name : {"nic.rate", "wire.propagation", "pcie.disk.lanes", "disk1.capacity", "nic1.rate",
                           "nic1.wire.propagation", "nic1.peer.gro", "pcie.nic1.lanes", "switch0.peer_to_peer"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(MachineDescription, LeavesOutTheParametersOfMissingDevices) {
  MachineDescription machine = MachineDescription::standard();
  EXPECT_TRUE(machine.remove("nic"));
  for (const Section& section : sections_of(machine)) {
    EXPECT_NE(section.prefix, "nic");
    EXPECT_NE(section.prefix, "wire");
    EXPECT_NE(section.prefix, "pcie.nic");
  }
}

TEST(DeviceKinds, HaveDistinctNamesAndAllThatAMachineNeedsOfThem) {
  std::set<std::string> names;
  for (const DeviceKind& kind : device_kinds()) {
    EXPECT_TRUE(names.insert(kind.name).second) << kind.name;
    EXPECT_EQ(find_kind(kind.name), &kind);
    EXPECT_STRNE(kind.help, "");
    std::any config = kind.default_config();
    EXPECT_FALSE(kind.parts(config).empty()) << kind.name;
    EXPECT_EQ(kind.make == nullptr, kind.role == DeviceKind::Role::Switch) << kind.name;
  }
  EXPECT_EQ(find_kind("abacus"), nullptr);
}

}  // namespace
}  // namespace sluice::platform
