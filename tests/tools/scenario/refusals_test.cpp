// SPDX-License-Identifier: Apache-2.0
// What is wrong with a file is said in one line, with the place.
#include <ostream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/scenario/support.h"

namespace sluice::tests {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Case {
  const char* name;
  std::string scenario;
  std::string message;  ///< how it starts
};

void PrintTo(const Case& refused, std::ostream* out) { *out << refused.name; }

class Refusals : public testing::TestWithParam<Case> {};

TEST_P(Refusals, AreOneLineWithThePlace) {
  const Folder folder;
  folder.write("platform.yaml", kPlatform);
  const std::string text = complaint(folder, folder.write("s.yaml", GetParam().scenario));
  EXPECT_THAT(text, StartsWith(GetParam().message));
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

const std::string kHead = "schema: sluice/1\nplatform: platform.yaml\n";

INSTANTIATE_TEST_SUITE_P(
    Scenario, Refusals,
    testing::Values(
        Case{"empty", "", "s.yaml:1:1: the file is empty"},
        Case{"a_list", "- 1\n", "s.yaml:1:1: scenario: expected a map, found a list"},
        Case{"broken_yaml", "schema: [\n", "s.yaml:2:1: not valid YAML: end of sequence flow not found"},
        Case{"no_schema", "platform: platform.yaml\n", "s.yaml:1:1: a scenario starts with 'schema: sluice/1'"},
        Case{"other_schema", "schema: sluice/9\n", "s.yaml:1:9: a scenario starts with 'schema: sluice/1'"},
        Case{"a_platform", kPlatform,
             "s.yaml:1:9: a scenario starts with 'schema: sluice/1'; this is a platform, which a scenario names"},
        Case{"unknown_key", kScenario + "stratgies: [splice]\n",
             "s.yaml:5:1: unknown key 'stratgies'; did you mean 'strategies'?"},
        Case{"key_twice", kScenario + "schema: sluice/1\n",
             "s.yaml:5:1: key 'schema' stands here for the second time, first in line 1"},
        Case{"key_twice_inside", kHead + "workload: { chunk: 1 KiB, chunk: 2 KiB }\nstrategies: [splice]\n",
             "s.yaml:3:27: key 'chunk' stands here for the second time"},
        Case{"no_workload", kHead + "strategies: [splice]\n", "s.yaml:1:1: the scenario has no 'workload'"},
        Case{"no_platform", "schema: sluice/1\nworkload: { file: { size: 1 KiB } }\nstrategies: [splice]\n",
             "s.yaml:1:1: the scenario has no 'platform'"},
        Case{"unknown_platform",
             "schema: sluice/1\nplatform: none.yaml\nworkload: { file: { size: 1 KiB } }\nstrategies: [splice]\n",
             "s.yaml:2:11: platform: there is no file none.yaml"},
        Case{"unknown_strategy", kHead + "workload: { file: { size: 1 KiB } }\nstrategies: [sendfle]\n",
             "s.yaml:4:14: unknown strategy 'sendfle'; did you mean 'sendfile'?"},
        Case{"strategy_twice", kHead + "workload: { file: { size: 1 KiB } }\nstrategies: [splice, splice]\n",
             "s.yaml:4:22: strategy 'splice' stands here twice"},
        Case{"least_above_most", kScenario + "expect: { read_write: { copies.cpu: { min: 3, max: 1 } } }\n",
             "s.yaml:5:44: copies.cpu: min 3 is larger than max 1, so that no value holds"},
        Case{"no_number", kScenario + "expect: { read_write: { copies.cpu: { min: nan } } }\n",
             "s.yaml:5:44: copies.cpu: min: 'nan' is not a number"},
        Case{"value_twice", kScenario + "vary: { nic.rate: [10 Gbps, 1 Gbps, 10000 Mbps] }\n",
             "s.yaml:5:37: nic.rate: the value 10000 Mbps stands here twice"},
        Case{"with_and_vary", kScenario + "with: { nic.rate: 1 Gbps }\nvary: { nic.rate: [10 Gbps] }\n",
             "s.yaml:5:19: nic.rate: stands in 'with' and in 'vary'"},
        Case{"no_strategy", kHead + "workload: { file: { size: 1 KiB } }\nstrategies: []\n",
             "s.yaml:4:13: no strategy to run"},
        Case{"missing_unit", kHead + "workload: { file: { size: 65536 } }\nstrategies: [splice]\n",
             "s.yaml:3:27: workload.file.size: missing unit"},
        Case{"negative", kHead + "workload: { file: { size: -1 KiB } }\nstrategies: [splice]\n",
             "s.yaml:3:27: workload.file.size: '-1 KiB' is negative"},
        Case{"huge", kHead + "workload: { file: { size: 99999999999999999999 GiB } }\nstrategies: [splice]\n",
             "s.yaml:3:27: workload.file.size: '99999999999999999999 GiB' is too large"},
        Case{"out_of_range", kHead + "workload: { file: { size: 1 KiB }, chunk: 0 B }\nstrategies: [splice]\n",
             "s.yaml:3:43: workload.chunk: "},
        Case{"no_size", kHead + "workload: { file: { seed: 1 } }\nstrategies: [splice]\n",
             "s.yaml:3:19: file: no size"},
        Case{"no_count", kHead + "workload: { files: { size: 1 KiB } }\nstrategies: [splice]\n",
             "s.yaml:3:20: files: no count"},
        Case{"file_and_files",
             kHead + "workload: { file: { size: 1 KiB }, files: { count: 2, size: 1 KiB } }\nstrategies: [splice]\n",
             "s.yaml:3:11: a workload has either 'file' or 'files'"},
        Case{"missing_file", kHead + "workload: { file: { path: none } }\nstrategies: [splice]\n",
             "s.yaml:3:27: none: No such file or directory"},
        Case{"folder_as_file", kHead + "workload: { file: { path: . } }\nstrategies: [splice]\n", "s.yaml:3:27: "},
        Case{"too_many_cpus", kHead + "workload: { file: { size: 1 KiB }, cpus: 3 }\nstrategies: [splice]\n",
             "s.yaml:3:42: workload.cpus: "},
        Case{"placement_choice",
             kHead + "workload: { file: { size: 1 KiB, placement: everywhere } }\nstrategies: [splice]\n",
             "s.yaml:3:45: workload.file.placement: "},
        Case{"no_connection", kHead + "workload: { file: { size: 1 KiB }, connections: 0 }\nstrategies: [splice]\n",
             "s.yaml:3:49: workload.connections: "},
        Case{"a_million_connections",
             kHead + "workload: { file: { size: 1 KiB }, connections: 1000000 }\nstrategies: [splice]\n",
             "s.yaml:3:49: workload.connections: "},
        Case{"half_a_worker", kHead + "workload: { file: { size: 1 KiB }, workers: 1.5 }\nstrategies: [splice]\n",
             "s.yaml:3:45: workload.workers: "},
        Case{"repeated_a_million_times",
             kHead + "workload: { file: { size: 1 KiB }, repeat: 1000000 }\nstrategies: [splice]\n",
             "s.yaml:3:44: workload.repeat: "},
        Case{"repeated_minus_once", kHead + "workload: { file: { size: 1 KiB }, repeat: -1 }\nstrategies: [splice]\n",
             "s.yaml:3:44: workload.repeat: "},
        Case{"more_workers_than_connections",
             kHead + "workload: { file: { size: 1 KiB }, connections: 2, workers: 3 }\nstrategies: [splice]\n",
             "s.yaml:3:61: workload.workers: 3 for workload.connections = 2; allowed is 1 to 2"},
        Case{"fewer_connections_than_workers_at_a_point",
             kHead + "workload: { file: { size: 1 KiB }, workers: 3 }\nstrategies: [splice]\n"
                     "vary: { workload.connections: [8, 2] }\n",
             "s.yaml:3:45: workload.workers: 3 for workload.connections = 2; allowed is 1 to 2"},
        Case{"too_many_transfers",
             kHead + "workload: { files: { count: 1000, size: 1 B }, connections: 1000, repeat: 2 }\n"
                     "strategies: [splice]\n",
             "s.yaml: the workload makes 2000000 transfers of a file"},
        Case{"regime_choice", kHead + "workload: { file: { size: 1 KiB }, regime: wild }\nstrategies: [splice]\n",
             "s.yaml:3:44: workload.regime: "},
        Case{"page_cache_choice",
             kHead + "workload: { file: { size: 1 KiB }, page_cache: warmish }\nstrategies: [splice]\n",
             "s.yaml:3:48: workload.page_cache: "},
        Case{"with_unknown", kScenario + "with: { nic.rat: 1 Gbps }\n",
             "s.yaml:5:18: unknown key 'nic.rat'; did you mean 'nic.rate'?"},
        Case{"with_a_list", kScenario + "with: { nic.rate: [1 Gbps] }\n",
             "s.yaml:5:19: nic.rate: expected a single value, found a list"},
        Case{"vary_no_list", kScenario + "vary: { nic.rate: 1 Gbps }\n",
             "s.yaml:5:19: nic.rate: expected a list, found a single value"},
        Case{"vary_empty", kScenario + "vary: { nic.rate: [] }\n", "s.yaml:5:19: nic.rate: no value to vary over"},
        Case{"vary_bad_value", kScenario + "vary: { nic.rate: [1 Gbps, 2] }\n", "s.yaml:5:28: nic.rate: missing unit"},
        Case{"expect_other_strategy", kScenario + "expect: { splice: { copies.cpu: 0 } }\n",
             "s.yaml:5:11: unknown key 'splice'"},
        Case{"expect_bad_limit", kScenario + "expect: { read_write: { copies.cpu: { min: few } } }\n",
             "s.yaml:5:44: copies.cpu: min: 'few' is not a number"},
        Case{"expect_unknown_limit", kScenario + "expect: { read_write: { copies.cpu: { least: 1 } } }\n",
             "s.yaml:5:39: unknown key 'least'"},
        Case{"expect_unknown_value", kScenario + "expect: { read_write: { copies.cpus: 2 } }\n",
             "s.yaml:5:25: unknown key 'copies.cpus'; did you mean 'copies.cpu'?"},
        Case{"expect_by_unknown_parameter",
             kScenario + "expect: { read_write: { copies.cpu: { nic.rat: { 1 Gbps: 2 } } } }\n",
             "s.yaml:5:50: unknown key 'nic.rat'; did you mean 'nic.rate'?"},
        Case{"expect_by_bad_value",
             kScenario + "expect: { read_write: { copies.cpu: { workload.page_cache: { tepid: 2 } } } }\n",
             "s.yaml:5:62: workload.page_cache: "},
        Case{"an_alias", "schema: &a sluice/1\nplatform: *a\n", "s.yaml:1:9: anchors are not supported"},
        Case{"a_tag", "schema: !!str sluice/1\n", "s.yaml:1:9: tags are not supported"},
        Case{"too_deep", "a: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n", "s.yaml:1:19: nested deeper than 16 levels"},
        Case{"binary", std::string("schema\0", 7), "s.yaml: is not a text file"},
        Case{"file_larger_than_disk",
             kHead + "workload: { file: { size: 1 TiB } }\nwith: { disk.capacity: 1 GiB }\n"
                     "strategies: [splice]\n",
             "s.yaml: the workload of 1 TiB does not fit on a disk of 1 GiB"},
        Case{"warm_file_larger_than_memory",
             kHead + "workload: { file: { size: 8 GiB }, page_cache: warm }\nstrategies: [splice]\n",
             "s.yaml: workload.page_cache: warm files of 8 GiB do not fit in 4 GiB of memory"},
        Case{"impossible_cache", kScenario + "with: { cache.l1_ways: 7 }\n", "s.yaml: cache"},
        Case{"impossible_link", kScenario + "with: { pcie.nic.lanes: 7 }\n",
             "s.yaml: the machine cannot work: pcie.nic: lanes must be"}),
    [](const auto& test) { return std::string{test.param.name}; });

TEST(Refusal, OfTooManyRuns) {
  const Folder folder;
  folder.write("platform.yaml", kPlatform);
  std::string values = "1 KiB";
  for (int i = 2; i <= 200; ++i) values += ", " + std::to_string(i) + " KiB";
  const std::string path = folder.write(
      "s.yaml", kScenario + "vary: { workload.chunk: [" + values + "], workload.file.size: [" + values + "] }\n");
  EXPECT_EQ(complaint(folder, path), "s.yaml: 'vary' asks for more than 10000 runs");
}

TEST(Refusal, OfFilesThatAreNoFiles) {
  const Folder folder;
  EXPECT_EQ(complaint(folder, folder.path("none.yaml")), "none.yaml: No such file or directory");
  EXPECT_THAT(complaint(folder, folder.path(".")), HasSubstr("is a directory, not a file"));
  EXPECT_EQ(complaint(folder, folder.write("big.yaml", std::string(2U << 20, ' '))),
            "big.yaml: larger than 1 MiB, which no scenario or platform file is");
}

TEST(Refusal, OfAFileThatSaysItIsEmptyAndIsNot) {
  const Folder folder;
  folder.write("platform.yaml", kPlatform);
  const std::string path = folder.write("s.yaml", kScenario);
  EXPECT_EQ(complaint(folder, path, {"/proc/cpuinfo", {}, false}),
            "--file: /proc/cpuinfo: does not say how large it is; send a copy");
  EXPECT_EQ(complaint(folder, path, {folder.write("nothing", ""), {}, false}), "");
}

TEST(Refusal, OfMoreValuesThanAFileHas) {
  const Folder folder;
  std::string text = "schema: [0";
  for (int i = 0; i < 21'000; ++i) text += ",1";
  EXPECT_THAT(complaint(folder, folder.write("s.yaml", text + "]\n")), HasSubstr("more than 20000 values"));
}

TEST(Refusal, OfSettingsOnTheCommandLineNamesTheSetting) {
  const Folder folder;
  folder.write("platform.yaml", kPlatform);
  const std::string path = folder.write("s.yaml", kScenario);
  const auto set = [&](const std::string& text) { return complaint(folder, path, {"", {text}, false}); };
  EXPECT_EQ(set("nic.rate"), "--set nic.rate: write --set key=value");
  EXPECT_THAT(set("nic.rate=5"), StartsWith("--set nic.rate=5: nic.rate: missing unit"));
  EXPECT_EQ(set("nic.speed=5"), "--set nic.speed=5: unknown key 'nic.speed'");
  EXPECT_THAT(complaint(folder, path, {folder.path("none"), {}, false}), StartsWith("--file: none: No such file"));
}

struct PlatformCase {
  const char* name;
  std::string from;  ///< replaced in kPlatform ...
  std::string to;    ///< ... by this
  std::string message;
};

void PrintTo(const PlatformCase& refused, std::ostream* out) { *out << refused.name; }

class PlatformRefusals : public testing::TestWithParam<PlatformCase> {};

TEST_P(PlatformRefusals, NameThePlaceInThePlatformFile) {
  const Folder folder;
  std::string text = kPlatform;
  text.replace(text.find(GetParam().from), GetParam().from.size(), GetParam().to);
  folder.write("platform.yaml", text);
  EXPECT_THAT(complaint(folder, folder.write("s.yaml", kScenario)), StartsWith(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Platform, PlatformRefusals,
    testing::Values(
        PlatformCase{"schema", "sluice.platform/1", "sluice/1", "platform.yaml:1:9: a platform starts with"},
        PlatformCase{"parameters_of_no_link", "irq:\n", "irq:\npcie: { gpu: { lanes: 8 } }\n",
                     "platform.yaml:12:9: no device is named gpu"},
        PlatformCase{"unknown_component", "memory:\n", "memry:\n",
                     "platform.yaml:5:1: unknown key 'memry'; did you mean 'memory'?"},
        PlatformCase{"unknown_parameter",
                     "rate:", "rat:", "platform.yaml:10:8: unknown key 'nic.rat'; did you mean 'nic.rate'?"},
        PlatformCase{"missing_unit", "10 Gbps", "10", "platform.yaml:10:23: nic.rate: missing unit"},
        PlatformCase{"unknown_word_beside_value",
                     "source:", "sauce:", "platform.yaml:10:32: unknown key 'sauce'; known here: value, source"},
        PlatformCase{"no_value", "{ value: 10 Gbps, ", "{ ", "platform.yaml:10:14: nic.rate: no value"},
        PlatformCase{"links", "irq:\n", "links: []\n",
                     "platform.yaml:11:8: links: the links of a machine follow from its devices; 'devices:' says"},
        PlatformCase{"device_without_kind", "irq:\n", "devices: { disk1: { at: root_complex } }\n",
                     "platform.yaml:11:12: devices: disk1: no kind; one of disk, nic, switch"},
        PlatformCase{"device_of_no_kind", "irq:\n", "devices: { disk1: { kind: disc } }\n",
                     "platform.yaml:11:27: kind: 'disc' is none of disk, nic, switch; did you mean 'disk'?"},
        PlatformCase{"device_of_another_kind", "irq:\n", "devices: { disk: { kind: nic } }\n",
                     "platform.yaml:11:26: devices: disk is a disk"},
        PlatformCase{"device_named_as_a_part", "irq:\n", "devices: { cache: { kind: nic } }\n",
                     "platform.yaml:11:12: devices: 'cache' cannot be the name of a device"},
        PlatformCase{"device_nowhere", "irq:\n", "devices: { disk: { at: switch0 } }\n",
                     "platform.yaml:11:24: devices: disk: at: switch0 is neither root_complex nor a switch"},
        PlatformCase{"device_at_a_device", "irq:\n", "devices: { disk: { at: nic } }\n",
                     "platform.yaml:11:24: devices: disk: at: nic is neither root_complex nor a switch"},
        PlatformCase{"parameter_of_no_device", "irq:\n", "devices: { disk1: { kind: disk, lanes: 8 } }\n",
                     "platform.yaml:11:33: unknown key 'disk1.lanes'"},
        PlatformCase{"ring_of_switches", "irq:\n",
                     "devices: { a: { kind: switch, at: b }, b: { kind: switch, at: a } }\n",
                     "s.yaml: the machine cannot work: a cannot reach memory"},
        PlatformCase{"no_disk", "disk:\n", "without: [disk]\n", "s.yaml: the machine cannot work: it has no disk"},
        PlatformCase{"no_nic", "irq:\n", "without: [nic]\n", "platform.yaml:8:1: this machine has no nic"}),
    [](const auto& test) { return std::string{test.param.name}; });

}  // namespace
}  // namespace sluice::tests
