// SPDX-License-Identifier: Apache-2.0
// A better part does not make a run slower.
//
// Each row improves one parameter step by step; no step may take longer than the one before by more than 2 %: how
// requests and packets meet on the way shifts with every change, and the last of them need not be as lucky as before.
// Rows that need more room say why.
#include "tests/tools/whole_machine/runs.h"

namespace sluice::tests {
namespace {

struct BetterPart {
  std::string name;
  std::string key;
  std::vector<std::string> steps;  // from worse to better
  Variation workload;
  double tolerance = 0.02;

  friend void PrintTo(const BetterPart& part, std::ostream* out) { *out << part.key; }
};

Variation from_disk(std::string size, std::vector<std::string> set = {}) {
  set.emplace_back("nic.rate=100Gbps");
  return {.file = "size: " + std::move(size) + ", seed: 3",
          .page_cache = "cold",
          .strategies = "read_write, mmap_write, sendfile_gather",
          .set = std::move(set)};
}
Variation from_memory(std::vector<std::string> set = {}) {
  return {.strategies = "read_write, mmap_write, sendfile_gather", .set = std::move(set)};
}
Variation from_hard_disk(std::string size, std::string chunk, std::vector<std::string> set = {}) {
  return {.platform = "server-2008",
          .file = "size: " + std::move(size) + ", seed: 3",
          .chunk = std::move(chunk),
          .page_cache = "cold",
          .strategies = "read_write, mmap_write, sendfile_gather",
          .set = std::move(set)};
}

std::vector<BetterPart> better_parts() {
  const std::vector<std::string> flash{"500 MB/s", "1 GB/s", "2 GB/s", "3.2 GB/s", "6.5 GB/s", "20 GB/s"};
  const std::vector<std::string> sensing{"1 ms", "200 us", "60 us", "20 us", "0 s"};
  const std::vector<std::string> lanes{"1", "2", "4", "8", "16"};
  return {
      {"FlashRate", "disk.ssd_read_rate", flash, from_disk("16 MiB")},
      {"FlashRateOnAWideLink", "disk.ssd_read_rate", flash, from_disk("16 MiB", {"pcie.disk.lanes=16"})},
      {"ChannelRate", "disk.ssd_channel_rate", {"100 MB/s", "400 MB/s", "800 MB/s", "2.4 GB/s"}, from_disk("16 MiB")},
      {"Channels", "disk.ssd_channels", {"1", "2", "4", "8", "16", "32", "64"}, from_disk("4 MiB")},
      {"ChannelsForASmallFile", "disk.ssd_channels", {"1", "2", "4", "8", "16", "32", "64"}, from_disk("64 KiB")},
      {"Dies", "disk.ssd_dies_per_channel", {"1", "2", "4", "8", "32"}, from_disk("4 MiB")},
      {"SensingOfASmallFile", "disk.ssd_read_latency", sensing, from_disk("24 KiB")},
      {"Sensing", "disk.ssd_read_latency", sensing, from_disk("8 MiB")},
      {"SensingBehindASlowLink", "disk.ssd_read_latency", sensing, from_disk("8 MiB", {"pcie.disk.lanes=1"})},
      {"LanesOfTheDisk", "pcie.disk.lanes", lanes, from_disk("16 MiB")},
      {"GenerationOfTheDisk", "pcie.disk.generation", {"1", "2", "3", "4", "5"}, from_disk("16 MiB")},
      {"CommandOverhead", "disk.command_overhead", {"20 us", "5 us", "1.5 us", "0 s"}, from_disk("8 MiB")},
      {"LanesOfTheNic", "pcie.nic.lanes", lanes, from_memory({"nic.rate=100Gbps"})},
      // A card that is done sooner finds fewer packets together: more of them, and more interrupts.
      {"GenerationOfTheNic", "pcie.nic.generation", {"1", "2", "3", "4", "5"}, from_memory({"nic.rate=100Gbps"}), 0.03},
      {"WireRate", "nic.rate", {"1 Gbps", "10 Gbps", "25 Gbps", "40 Gbps", "100 Gbps", "400 Gbps"}, from_memory()},
      {"WireRateCold",
       "nic.rate",
       {"1 Gbps", "10 Gbps", "25 Gbps", "100 Gbps"},
       {.page_cache = "cold", .strategies = "read_write, sendfile_gather"}},
      {"MemoryLatency", "memory.latency", {"300 ns", "150 ns", "75 ns", "40 ns"}, from_memory({"nic.rate=400Gbps"})},
      {"MemoryBandwidth",
       "memory.bandwidth",
       {"5 GB/s", "10 GB/s", "20 GB/s", "80 GB/s", "320 GB/s"},
       from_memory({"nic.rate=100Gbps"})},
      {"Clock", "cpu.frequency", {"1 GHz", "2 GHz", "2.9 GHz", "4 GHz", "8 GHz"}, from_memory({"nic.rate=100Gbps"})},
      {"WriteBuffer",
       "memory.write_buffer",
       {"0 B", "4 KiB", "24 KiB", "1 MiB"},
       from_disk("16 MiB", {"cache.ddio=false", "memory.bandwidth=20GB/s"})},
      // The second core takes the program, the first one the NIC's interrupts: a page that is freed there goes to that
      // core's list, and the next one the program gets is cold.
      {"Cores", "cpu.cores", {"1", "2", "4"}, from_memory({"nic.rate=100Gbps", "workload.chunk=4KiB"}), 0.05},
      {"LastLevelCache",
       "cache.llc_size",
       {"5632 KiB", "11 MiB", "22 MiB", "44 MiB"},
       from_memory({"nic.rate=100Gbps"})},
      {"HardDiskRate", "disk.hdd_media_rate", {"50 MB/s", "105 MB/s", "200 MB/s"}, from_hard_disk("8 MiB", "64 KiB")},
      {"HardDiskSeek", "disk.hdd_average_seek", {"20 ms", "8.5 ms", "2 ms"}, from_hard_disk("1 MiB", "64 KiB")},
      {"HardDiskReadAhead",
       "disk.hdd_read_ahead",
       {"0 B", "128 KiB", "512 KiB", "4 MiB"},
       from_hard_disk("8 MiB", "4 KiB")},
      // A window is told of as a whole once its folios are as large as it is: what was read last is sent last, 1 MiB
      // in 9 ms over this wire.
      {"KernelReadAheadOnAHardDisk",
       "kernel.fs.read_ahead",
       {"128 KiB", "512 KiB", "1 MiB"},
       from_hard_disk("32 MiB", "4 KiB"),
       0.04},
  };
}

class BetterParts : public WholeMachine, public testing::WithParamInterface<BetterPart> {};

TEST_P(BetterParts, AreNotSlower) {
  const BetterPart& part = GetParam();
  std::map<std::string, double> before;
  for (const std::string& step : part.steps) {
    Variation variation = part.workload;
    variation.set.push_back(part.key + "=" + step);
    for (const auto& [strategy, result] : run(variation)) {
      const double now = elapsed(result);
      if (before.contains(strategy)) {
        EXPECT_LE(now, before[strategy] * (1 + part.tolerance)) << strategy << " at " << part.key << " = " << step;
      }
      // Held against the best so far: many small steps do not add up.
      before[strategy] = before.contains(strategy) ? std::min(before[strategy], now) : now;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, BetterParts, testing::ValuesIn(better_parts()),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace sluice::tests
