// SPDX-License-Identifier: Apache-2.0
// Platforms that are based on others, and settings that are multiples of a platform's values.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/scenario/support.h"
#include "tools/scenario/dump.h"
#include "tools/scenario/platform_file.h"

namespace sluice::tests {
namespace {

using scenario::Configuration;
using scenario::ValueOrigin;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kSchema = "schema: sluice.platform/1\n";

class Platforms : public testing::Test {
 protected:
  Configuration read(const std::string& name) const {
    Configuration configuration;
    scenario::read_platform(scenario::load_yaml(m_folder.path(name)), configuration);
    return configuration;
  }
  /// What is wrong with "top.yaml" as the platform of a scenario.
  std::string refusal() const { return complaint(m_folder, m_folder.write("s.yaml", text_of("top.yaml"))); }
  static std::string text_of(const std::string& platform) {
    return "schema: sluice/1\nplatform: " + platform +
           "\nworkload: { file: { size: 4 KiB } }\nstrategies: [read_write]\n";
  }
  Folder m_folder;
};

TEST_F(Platforms, InheritValuesWithTheirSourcesAndFilesAndAddTheirOwn) {
  m_folder.write("low.yaml", kSchema + "nic: { rate: { value: 10 Gbps, source: \"a data sheet\" }, mtu: 9000 B }\n");
  m_folder.write("top.yaml", kSchema + "base: low.yaml\nnic: { mtu: { value: 1400 B, source: \"a choice\" } }\n");
  const Configuration top = read("top.yaml");
  EXPECT_EQ(nic_of(top).rate, 10_Gbps);
  EXPECT_EQ(nic_of(top).mtu, 1400U);
  EXPECT_EQ(top.origins.at("nic.rate"), (ValueOrigin{"a data sheet", m_folder.path("low.yaml")}));
  EXPECT_EQ(top.origins.at("nic.mtu"), (ValueOrigin{"a choice", m_folder.path("top.yaml")}));
  EXPECT_EQ(read("low.yaml").origins.at("nic.mtu"), (ValueOrigin{"", m_folder.path("low.yaml")}));
}

TEST_F(Platforms, LeaveOutComponentsOfTheirBase) {
  m_folder.write("top.yaml", kSchema + "without: [nic]\n");
  const Configuration top = read("top.yaml");
  EXPECT_TRUE(top.machine.is_loopback());
  EXPECT_EQ(top.machine.find("nic"), nullptr);
  EXPECT_EQ(refusal(), "");
}

TEST_F(Platforms, NameFurtherDevicesAndWhereTheyAreAttached) {
  m_folder.write("low.yaml", kSchema +
                                 "devices:\n"
                                 "  switch0: { kind: switch, peer_to_peer: true, pcie: { lanes: 16 } }\n"
                                 "  disk1: { kind: disk, at: switch0, ssd_channels: 4, pcie: { lanes: 2 } }\n"
                                 "  nic: { at: switch0 }\n");
  m_folder.write("top.yaml", kSchema +
                                 "base: low.yaml\n"
                                 "devices: { nic1: { kind: nic, rate: 40 Gbps, wire: { propagation: 1 us } } }\n"
                                 "disk1: { ssd_channels: 2 }\n");
  const Configuration top = read("top.yaml");
  EXPECT_EQ(top.machine.find("switch0")->pcie.lanes, 16U);
  EXPECT_EQ(top.machine.find("disk1")->at, "switch0");
  EXPECT_EQ(top.machine.find("disk1")->pcie.lanes, 2U);
  EXPECT_EQ(disk_of(top, "disk1").ssd.channels, 2U) << "a further device is inherited as any other";
  EXPECT_EQ(top.machine.find("nic")->at, "switch0");
  EXPECT_EQ(top.machine.find("nic1")->at, platform::kRootComplex);
  EXPECT_EQ(nic_of(top, "nic1").rate, 40_Gbps);
  EXPECT_EQ(top.machine.find("nic1")->as<nic::ConnectedNicConfig>().wire.propagation, 1_us);
  EXPECT_EQ(refusal(), "");
  const std::string path = m_folder.write("s.yaml", text_of("top.yaml"));
  const scenario::Scenario loaded = scenario::load_scenario(path, {"", {"pcie.nic1.lanes=4"}, false});
  EXPECT_EQ(loaded.plans[0].configuration.machine.find("nic1")->pcie.lanes, 4U);
  // printed and read again
  const std::string printed = m_folder.write("printed.yaml", scenario::dump(loaded));
  const auto again = scenario::load_scenario(printed, {}).plans;
  EXPECT_EQ(again[0].configuration.machine.find("disk1")->at, "switch0");
  EXPECT_EQ(again[0].configuration.machine.find("nic1")->pcie.lanes, 4U);
  EXPECT_EQ(disk_of(again[0].configuration, "disk1").ssd.channels, 2U);
}

TEST_F(Platforms, ScaleTheTimeCostsOfASectionOrOneParameterOfTheirBase) {
  m_folder.write("low.yaml", kSchema + "kernel: { syscall.entry: 100 ns, syscall.exit: 50 cycles }\n");
  m_folder.write("top.yaml",
                 kSchema +
                     "base: low.yaml\n"
                     "scale: { kernel.syscall: { by: 0.7, source: \"faster\" }, disk.ssd_read_latency: { by: 2x } }\n"
                     "kernel: { syscall.close: 10 ns }\n");
  const Configuration top = read("top.yaml");
  EXPECT_EQ(top.kernel.syscall.entry, CpuCost::time(70_ns));
  EXPECT_EQ(top.kernel.syscall.exit, CpuCost::cycles(50)) << "cycles are the clock's affair";
  EXPECT_EQ(top.kernel.syscall.close, CpuCost::time(10_ns)) << "a platform's own values are not scaled";
  EXPECT_EQ(top.kernel.net.delayed_ack, 40_ms) << "a timer is no cost";
  EXPECT_EQ(disk_of(top).ssd.read_latency, 120_us);
  EXPECT_EQ(top.origins.at("kernel.syscall.entry"), (ValueOrigin{"faster", m_folder.path("top.yaml")}));
  EXPECT_EQ(top.origins.at("disk.ssd_read_latency").source, "2x times the value of low.yaml");
}

TEST_F(Platforms, AreRefusedWithThePlaceOfTheMistake) {
  const auto top = [&](const std::string& text) {
    m_folder.write("top.yaml", kSchema + text);
    return refusal();
  };
  EXPECT_EQ(top("base: none.yaml\n"), "top.yaml:2:7: base: there is no file none.yaml");
  EXPECT_EQ(top("base: top.yaml\n"), "top.yaml:2:7: base: top.yaml is based on this platform");
  EXPECT_EQ(top("without: [nik]\n").substr(0, 23), "top.yaml:2:11: without:");
  EXPECT_EQ(top("without: [nic]\nnic: { rate: 1 Gbps }\n"), "top.yaml:3:1: this machine has no nic");
  EXPECT_EQ(top("scale: { kernel: { source: x } }\n"), "top.yaml:2:18: scale: kernel: no by");
  EXPECT_THAT(top("scale: { kernel: { by: -1 } }\n"), StartsWith("top.yaml:2:24: scale: kernel: "));
  EXPECT_EQ(top("scale: { wire: { by: 2 } }\n"), "top.yaml:2:10: scale: wire has no cost that is given as a time");
  EXPECT_THAT(top("scale: { kernl: { by: 2 } }\n"), StartsWith("top.yaml:2:10: unknown key 'kernl'"));
}

TEST_F(Platforms, ARingOfBasesIsRefused) {
  m_folder.write("top.yaml", kSchema + "base: a.yaml\n");
  m_folder.write("a.yaml", kSchema + "base: ./b.yaml\n");
  m_folder.write("b.yaml", kSchema + "base: top.yaml\n");
  EXPECT_EQ(refusal(), "b.yaml:2:7: base: top.yaml is based on this platform");
}

TEST_F(Platforms, StandOnFourOthersAtMost) {
  const auto tower = [&](unsigned height) {
    for (unsigned i = 0; i < height; ++i) {
      m_folder.write(std::to_string(i) + ".yaml", kSchema + "base: " + std::to_string(i + 1) + ".yaml\n");
    }
    m_folder.write(std::to_string(height) + ".yaml", kSchema);
    m_folder.write("top.yaml", kSchema + "base: 1.yaml\n");
    return refusal();
  };
  EXPECT_EQ(tower(4), "");
  EXPECT_EQ(tower(5), "4.yaml:2:7: base: more than 4 platforms one on the other");
}

TEST_F(Platforms, SettingsMayBeMultiplesOfTheirValues) {
  m_folder.write("top.yaml", kSchema + "kernel: { syscall.entry: 100 ns }\nnic: { rate: 10 Gbps }\n");
  const std::string path = m_folder.write(
      "s.yaml", text_of("top.yaml") + "with: { kernel.syscall.entry: 5x }\nvary: { nic.rate: [0.5x, 400 %] }\n");
  const auto plans = scenario::load_scenario(path, {"", {"kernel.syscall.entry=300 %"}, false}).plans;
  ASSERT_EQ(plans.size(), 2U);
  EXPECT_EQ(plans[0].configuration.kernel.syscall.entry, CpuCost::time(300_ns)) << "of the platform's, not of with's";
  EXPECT_EQ(nic_of(plans[0].configuration).rate, 5_Gbps);
  EXPECT_EQ(nic_of(plans[1].configuration).rate, 40_Gbps);
  EXPECT_EQ(plans[1].settings.back().second, "300 ns");
  EXPECT_THAT(complaint(m_folder, path, {"", {"nic.rate=1000x"}, false}), HasSubstr("is outside"));
  EXPECT_THAT(complaint(m_folder, path, {"", {"nic.gather=2x"}, false}), HasSubstr("a flag cannot be multiplied"));
  // a share of its own stays one
  EXPECT_EQ(scenario::load_scenario(path, {"", {"memory.efficiency=50 %"}, false})
                .plans[0]
                .configuration.machine.memory.efficiency,
            Fraction{500'000});
}

TEST_F(Platforms, ASettingOfAComponentThatTheMachineHasNotSaysSo) {
  m_folder.write("top.yaml", kSchema + "without: [nic]\n");
  const std::string path = m_folder.write("s.yaml", text_of("top.yaml"));
  const auto set = [&](const std::string& text) { return complaint(m_folder, path, {"", {text}, false}); };
  EXPECT_EQ(set("nic.rate=1Gbps"), "--set nic.rate=1Gbps: nic.rate: this machine has no nic");
  EXPECT_EQ(set("pcie.nic.lanes=8"), "--set pcie.nic.lanes=8: pcie.nic.lanes: this machine has no nic");
}

TEST_F(Platforms, ADumpSaysWhereEachValueComesFrom) {
  m_folder.write("low.yaml", kSchema + "nic: { rate: { value: 10 Gbps, source: \"a data sheet\" } }\n");
  m_folder.write("top.yaml", kSchema + "base: low.yaml\n");
  const std::string path = m_folder.write("s.yaml", text_of("top.yaml"));
  const std::string text = scenario::dump(scenario::load_scenario(path, {"", {"cpu.cores=2"}, false}));
  EXPECT_THAT(text,
              HasSubstr("rate: { value: 10 Gbps, source: \"a data sheet\", from: \"" + m_folder.path("low.yaml")));
  EXPECT_THAT(text, HasSubstr("cores: { value: 2, source: \"set for this run\", from: \"--set\" }"));
  EXPECT_THAT(text, HasSubstr("source: \"IEEE 802.3; jumbo frames by convention\", from: \"default\""));
}

TEST_F(Platforms, AKeyIsDescribedAloneOrWithThoseBelowItAndItsRules) {
  const std::string one = scenario::describe({}, "disk.ssd_page_size");
  EXPECT_THAT(one, StartsWith("disk.ssd_page_size = 16 KiB\n"));
  EXPECT_EQ(one.find("disk.ssd_read_latency"), std::string::npos);
  const std::string caches = scenario::describe({}, "cache");
  EXPECT_THAT(caches, HasSubstr("cache.l1_ways = 8\n"));
  EXPECT_THAT(caches, HasSubstr("    rule: l1_size must be a multiple of l1_ways x 4 KiB\n"));
  EXPECT_EQ(caches.find("mmu."), std::string::npos);
  EXPECT_THROW((void)scenario::describe({}, "cash"), base::InputError);
  EXPECT_TRUE(scenario::is_parameter("kernel.net"));
  EXPECT_FALSE(scenario::is_parameter("scenarios/article.yaml"));
}

TEST_F(Platforms, TheLeastMemoryIsOneAndEnough) {
  m_folder.write("top.yaml", kSchema);
  const std::string path = m_folder.write("s.yaml", text_of("top.yaml"));
  const auto with = [&](const std::string& size) {
    return complaint(m_folder, path, {"", {"memory.size=" + size, "workload.chunk=64KiB"}, false});
  };
  EXPECT_THAT(with("47MiB"), HasSubstr("is outside 48 MiB to"));
  EXPECT_EQ(with("48MiB"),
            "s.yaml: memory.size: 48 MiB is too little for a kernel and chunks of 64 KiB; at least 49280 KiB");
  EXPECT_EQ(with("48.125MiB"), "");
}

// A shipped platform names the source of all that it says, and says only in what it differs.
TEST(ShippedPlatforms, GiveASourceForEachValueAndRepeatNothing) {
  const std::filesystem::path folder = std::filesystem::path{SLUICE_SOURCE_DIR} / "scenarios" / "platforms";
  unsigned platforms = 0;
  std::size_t lines = 0;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    ++platforms;
    std::ifstream file{entry.path()};
    for (std::string line; std::getline(file, line);) ++lines;
    Configuration configuration;
    scenario::read_platform(scenario::load_yaml(entry.path().string()), configuration);
    Configuration defaults;
    scenario::ParameterIndex index{configuration};
    for (const auto& [key, origin] : configuration.origins) {
      EXPECT_FALSE(origin.source.empty()) << entry.path() << ": " << key;
      if (origin.file != entry.path().string()) continue;
      const auto parameter = index.find(key).value();
      const auto by_default = scenario::ParameterIndex{defaults}.find(key);
      EXPECT_FALSE(by_default->get() == parameter.get() && by_default->source() == origin.source) << key;
    }
  }
  EXPECT_GE(platforms, 3U);
  EXPECT_LE(lines, 350U);
}

}  // namespace
}  // namespace sluice::tests
