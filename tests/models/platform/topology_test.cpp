// SPDX-License-Identifier: Apache-2.0
#include "models/platform/topology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/base/result.h"

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

void remove_link(MachineDescription& machine, const std::string& name) {
  std::erase_if(machine.links, [&](const Link& link) { return link.name == name; });
}

TEST(Topology, AcceptsTheStandardMachine) { EXPECT_EQ(complaint_about(MachineDescription::standard()), ""); }

TEST(Topology, RefusesAMachineWithoutOneOfItsComponents) {
  for (const char* component : kComponents) {
    MachineDescription machine = MachineDescription::standard();
    machine.components.erase(component);
    EXPECT_THAT(complaint_about(machine), HasSubstr(std::string{"it has no "} + component)) << component;
  }
}

TEST(Topology, RefusesADeviceThatCannotReachMemory) {
  for (const char* device : {"nic", "disk"}) {
    MachineDescription machine = MachineDescription::standard();
    remove_link(machine, std::string{"pcie."} + device);
    EXPECT_EQ(complaint_about(machine), std::string{"machine.yaml: the machine cannot work: "} + device +
                                            " cannot reach memory: no links lead from one to the other");
  }
}

TEST(Topology, RefusesMemoryOutOfReachOfEverything) {
  MachineDescription machine = MachineDescription::standard();
  remove_link(machine, "memory_bus");
  EXPECT_THAT(complaint_about(machine), HasSubstr("cpu cannot reach memory"));
}

TEST(Topology, RefusesAPeerWithoutWire) {
  MachineDescription machine = MachineDescription::standard();
  remove_link(machine, "ethernet");
  EXPECT_THAT(complaint_about(machine), HasSubstr("no wire leads to it from the nic"));
}

TEST(Topology, RefusesLinksOfTheWrongKind) {
  MachineDescription machine = MachineDescription::standard();
  machine.links.push_back({"pcie.cpu", "cpu", "root_complex", LinkKind::Pcie, {}});
  EXPECT_THAT(complaint_about(machine), HasSubstr("a PCIe link leads from disk or nic"));
  machine.links.back() = {"w", "disk", "peer", LinkKind::Wire, {}};
  EXPECT_THAT(complaint_about(machine), HasSubstr("a wire links the nic and the peer"));
}

TEST(Topology, RefusesAPcieLinkThatDoesNotExist) {
  MachineDescription machine = MachineDescription::standard();
  machine.links[4].pcie.lanes = 7;
  EXPECT_THAT(complaint_about(machine), HasSubstr("pcie.nic: lanes must be"));
}

TEST(Topology, RoutesFromTheDiskToThePeerThroughMemory) {
  const Topology topology{MachineDescription::standard(), false};
  EXPECT_THAT(topology.route("disk.media", "memory"), ElementsAre("disk.media", "pcie.disk", "io", "memory"));
  EXPECT_THAT(topology.route("memory", "peer"), ElementsAre("memory", "io", "pcie.nic", "nic.wire"));
  EXPECT_TRUE(topology.route("memory", "moon").empty());
}

// 25 Gb/s, MTU 1500: of 1538 bytes on the wire per frame, 1448 are payload (20 IP, 20 TCP, 12 timestamps, 14 header,
// 4 FCS, 8 preamble, 12 gap): 25e9 / 8 * 1448 / 1538 = 2942132639.8 bytes per second.
TEST(Topology, WireGoodputLeavesOutHeadersFrameAndGap) {
  const Topology topology{MachineDescription::standard(), true};
  EXPECT_EQ(topology.goodput("nic", "peer"), 2942132640U);
}

TEST(Topology, AWarmFileOnAFastLinkIsLimitedByTheWire) {
  const Bound bound = Topology{MachineDescription::standard(), true}.static_bound();
  EXPECT_EQ(bound.bytes_per_s, 2942132640U);
  EXPECT_EQ(bound.limited_by, "nic.wire");
}

TEST(Topology, AColdFileIsLimitedByASlowDisk) {
  MachineDescription machine = MachineDescription::standard();
  machine.disk.medium = disk::MediumKind::Hdd;
  machine.disk.hdd.media_rate = ByteRate{105'000'000};
  const Bound cold = Topology{machine, false}.static_bound();
  EXPECT_EQ(cold.bytes_per_s, 105'000'000U);
  EXPECT_EQ(cold.limited_by, "disk.media");
  EXPECT_EQ((Topology{machine, true}.static_bound().limited_by), "nic.wire");
}

// 64 dies that each sense 16 KiB in 1 ms: 1,048,576,000 bytes per second, less than the channels carry.
TEST(Topology, FlashIsLimitedByItsDiesWhenTheyAreSlow) {
  MachineDescription machine = MachineDescription::standard();
  machine.disk.ssd.channels = 8;
  machine.disk.ssd.dies_per_channel = 8;
  machine.disk.ssd.page_size = 16_KiB;
  machine.disk.ssd.read_latency = 1_ms;
  EXPECT_EQ((Topology{machine, false}.goodput("disk.media", "disk")), 1'048'576'000U);
}

TEST(Topology, ANarrowPcieLinkLimitsAFastNic) {
  MachineDescription machine = MachineDescription::standard();
  machine.nic.rate = BitRate{200'000'000'000};
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
  MachineDescription machine = MachineDescription::standard();
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
  EXPECT_TRUE(names.contains("nic.rate"));
  EXPECT_TRUE(names.contains("pcie.disk.lanes"));
}

TEST(MachineDescription, LeavesOutTheParametersOfMissingComponents) {
  MachineDescription machine = MachineDescription::standard();
  machine.components.erase("nic");
  for (const Section& section : sections_of(machine)) EXPECT_NE(section.prefix, "nic");
}

}  // namespace
}  // namespace sluice::platform
