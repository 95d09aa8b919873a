// SPDX-License-Identifier: Apache-2.0
// Many connections, workers that share them, and transfers that are repeated.
#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>

#include "tests/tools/whole_machine/runs.h"
#include "tools/scenario/workload.h"

namespace sluice::tests {
namespace {

using testing::DoubleNear;
using testing::HasSubstr;

/// Those that loopback can run too.
std::string without_sendfile() {
  std::vector<std::string> names = kernel_sim::strategy_names();
  std::erase(names, "sendfile");
  return fmt::format("{}", fmt::join(names, ", "));
}

class ManyConnections : public WholeMachine {
 protected:
  static std::uint64_t calls(const Json& run) {
    std::uint64_t sum = 0;
    for (const auto& [name, count] : run["system_calls"].items()) {
      if (name != "poll" && name != "recvmsg") sum += count.get<std::uint64_t>();
    }
    return sum;
  }
};

TEST_F(ManyConnections, DeliverEveryFileOnEachByTheCallsOfOne) {
  for (const char* platform : {"server-2020", "loopback"}) {
    const Variation one{.platform = platform, .file = "size: 300 KiB, seed: 3", .strategies = without_sendfile()};
    Variation many = one;
    many.more = ", connections: 6, workers: 3, repeat: 2";
    many.set = {"cpu.cores=2"};
    const Results of_one = run(one);
    for (const auto& [strategy, result] : run(many)) {
      EXPECT_EQ(result["payload_bytes"], 12 * 300 * 1024) << strategy;
      EXPECT_EQ(result["delivered"]["bytes"], result["payload_bytes"]) << strategy;
      EXPECT_TRUE(result["delivered"]["intact"]) << strategy;
      // Each second pass goes back to the file's begin; a mapping goes before the next one comes.
      const std::uint64_t more = strategy == "mmap_write" ? 2 : 1;
      EXPECT_EQ(calls(result), 12 * calls(of_one.at(strategy)) + 6 * more) << platform << strategy;
      EXPECT_EQ(result["workload"]["rounds"], 12 * 5) << strategy;
    }
  }
}

TEST_F(ManyConnections, AreSharedByWorkersOnTheCoresInTurn) {
  const Json result = run({.file = "size: 1 MiB, seed: 3",
                           .more = ", connections: 3, workers: 2",
                           .strategies = "read_write",
                           .set = {"cpu.cores=3"}})["read_write"];
  const Json& processes = result["processes"];
  ASSERT_EQ(processes.size(), 2U);
  const auto switches = [&](const char* name) { return processes[name]["mode_switches"].get<std::uint64_t>(); };
  EXPECT_EQ(switches("sender.0"), 2 * switches("sender.1"));  // two connections and one
  EXPECT_EQ(switches("sender.0") + switches("sender.1"), result["counts"]["mode_switches"]);
  const auto busy = [&](const char* core) { return result["utilisation"].value(core, 0.0); };
  EXPECT_GT(busy("cpu0"), 0.1);
  EXPECT_GT(busy("cpu1"), 0.1);
  EXPECT_EQ(busy("cpu2"), 0.0);
}

TEST_F(ManyConnections, MeetWhatEarlierPassesLeftInThePageCache) {
  const Json result = run({.file = "size: 1 MiB, seed: 3",
                           .page_cache = "cold",
                           .more = ", connections: 2, repeat: 4",
                           .strategies = "sendfile_gather"})["sendfile_gather"];
  // Each byte goes to the card eight times and came from the disk once.
  EXPECT_THAT(result["copies"]["dma"].get<double>(), DoubleNear(1 + 1 / 8.0, 1e-9));
  EXPECT_TRUE(result["delivered"]["intact"]);
}

TEST_F(ManyConnections, AreBoundByADiskThatGivesEachByteOnce) {
  const Json result = run({.file = "size: 4 MiB, seed: 3",
                           .page_cache = "cold",
                           .more = ", connections: 4",
                           .strategies = "sendfile_gather",
                           .set = {"disk.ssd_read_rate=200 MB/s"}})["sendfile_gather"];
  EXPECT_GT(throughput(result), 400e6);
  EXPECT_EQ(result["bound"]["static_bytes_per_s"], 800e6);
  EXPECT_EQ(result["bound"]["static_limited_by"], "disk.media");
}

TEST_F(ManyConnections, HaveALatencyForEachTransfer) {
  const auto latency = [&](const char* more) {
    return run({.file = "size: 1 MiB, seed: 3", .more = more, .strategies = "sendfile_gather"})["sendfile_gather"];
  };
  const Json one = latency("");
  const Json many = latency(", connections: 8");
  // All eight share the wire from begin to end, so that the first ends nearly as late as the last.
  EXPECT_GT(many["latency_ns"]["max"].get<double>(), 0.95 * elapsed(many));
  EXPECT_GT(many["latency_ns"]["p50"].get<double>(), 6 * one["latency_ns"]["p50"].get<double>());
  EXPECT_EQ(one["latency_ns"]["p50"], one["latency_ns"]["max"]);
}

TEST_F(ManyConnections, UseEveryNetworkCard) {
  const std::string scenario = m_folder.write(
      "scenario.yaml",
      fmt::format("schema: sluice/1\nplatform:\n  schema: sluice.platform/1\n"
                  "  base: {}/scenarios/platforms/server-2020.yaml\n"
                  "  devices:\n    disk1: {{ kind: disk }}\n    nic1: {{ kind: nic, rate: 25 Gbps }}\n"
                  "workload: {{ files: {{ count: 4, size: 256 KiB }}, page_cache: cold, connections: 3 }}\n"
                  "strategies: [sendfile_gather]\n",
                  SLUICE_SOURCE_DIR));
  const Outcome outcome = sluice("run " + scenario + " --json -", m_folder.path(""));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Json result = Json::parse(outcome.out)["runs"][0];
  EXPECT_TRUE(result["delivered"]["intact"]);
  // Connections 0 and 2 go over the first card, connection 1 over the second; files lie on both disks.
  const double first = result["utilisation"]["nic.wire"];
  const double second = result["utilisation"]["nic1.wire"];
  EXPECT_THAT(first / second, DoubleNear(2, 0.1));
  EXPECT_GT(result["utilisation"]["disk1.media"], 0.0);
}

TEST_F(ManyConnections, KeepWhatEachReceived) {
  const std::string received = m_folder.path("received");
  const std::string data = m_folder.write("data", "0123456789");
  const std::string scenario = m_folder.write(
      "scenario.yaml",
      fmt::format(
          "schema: sluice/1\nplatform: {}/scenarios/platforms/server-2020.yaml\n"
          "workload: {{ file: {{ path: data }}, chunk: 4 B, connections: 2, repeat: 2 }}\nstrategies: [splice]\n",
          SLUICE_SOURCE_DIR));
  const Outcome outcome = sluice("run " + scenario + " --received " + received, m_folder.path(""));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(read_all(received + "/splice"), "0123456789012345678901234567890123456789");
}

TEST_F(ManyConnections, ASenderThatFailsEndsTheRunWithOneReason) {
  const std::string scenario = m_folder.write(
      "scenario.yaml", fmt::format("schema: sluice/1\nplatform: {}/scenarios/platforms/loopback.yaml\n"
                                   "workload: {{ file: {{ size: 1 MiB }}, connections: 8, workers: 2 }}\n"
                                   "strategies: [read_write]\nwith: {{ kernel.syscall.max_files: 8 }}\n",
                                   SLUICE_SOURCE_DIR));
  const Outcome outcome = sluice("run " + scenario, m_folder.path(""));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.out + outcome.err, HasSubstr("the program 0 ended with exit status 1: "));
  EXPECT_THAT(outcome.out + outcome.err, HasSubstr("EMFILE"));
}

}  // namespace
}  // namespace sluice::tests
