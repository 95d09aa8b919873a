// SPDX-License-Identifier: Apache-2.0
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/report/json_schema.h"
#include "tools/report/comparison.h"
#include "tools/report/graph.h"
#include "tools/report/strace.h"
#include "tools/report/text.h"
#include "tools/results/json.h"

namespace sluice::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Observed {
  std::string strategy = "read_write";
  int mode_switches = 4;
  double cpu = 2;
  double dma = 2;
  std::string gather = "true";
  std::uint64_t file = 65536;
};

Json run_with(const Observed& observed = {}) {
  const auto size = static_cast<double>(observed.file);
  return {{"strategy", observed.strategy},
          {"kernel", "simulated"},
          {"settings", Json::object()},
          {"features", {{"nic.gather", observed.gather}}},
          {"workload", {{"files", 1}, {"file_bytes", observed.file}, {"chunk_bytes", 65536}, {"page_cache", "cold"}}},
          {"payload_bytes", observed.file},
          {"delivered", {{"bytes", observed.file}, {"sha256", "ab"}, {"intact", true}}},
          {"time",
           {{"elapsed_ns", 100000},
            {"cpu_user_ns", 1000},
            {"cpu_kernel_ns", 20000},
            {"cpu_irq_ns", 4000},
            {"cpu_idle_ns", 75000}}},
          {"throughput_bytes_per_s", size / 1e-4},
          {"system_calls", {{"read", 1}, {"write", 1}}},
          {"counts",
           {{"mode_switches", observed.mode_switches},
            {"context_switches", 1},
            {"interrupts", 2},
            {"page_faults_minor", 0},
            {"page_faults_major", 0},
            {"tlb_misses", 3},
            {"dma_descriptors", 4},
            {"mmio_accesses", 5}}},
          {"copies", {{"cpu", observed.cpu}, {"dma", observed.dma}}},
          {"bytes",
           {{"cpu", 0},
            {"pio", 0},
            {"dma", 0},
            {"dram_read", observed.file},
            {"dram_written", 2 * observed.file},
            {"pcie_payload", 0},
            {"pcie_wire", 0}}},
          {"moves",
           {{{"from", "kernel.page_cache"}, {"to", "user.buffer"}, {"by", "cpu"}, {"bytes", observed.file}},
            {{"from", "kernel.page_cache"}, {"to", "kernel.pipe"}, {"by", "reference"}, {"bytes", observed.file}},
            {{"from", "nic.fifo"}, {"to", "wire"}, {"by", "device"}, {"bytes", 0}}}},
          {"latency_ns", {{"p50", 1}, {"p99", 2}, {"p999", 3}, {"max", 4}}},
          {"bound",
           {{"static_bytes_per_s", 2942132640},
            {"static_limited_by", "nic.wire"},
            {"demand_bytes_per_s", 1000000000},
            {"demand_limited_by", "cpu0"}}},
          {"failures", Json::array()},
          {"expectations", Json::array()},
          {"simulator", {{"wall_s", 0.5}, {"events", 10}, {"peak_rss_bytes", 1000}}}};
}

TEST(Text, UsesThreeDigitsAndTheLargestUnit) {
  EXPECT_EQ(time_text(999), "999 ns");
  EXPECT_EQ(time_text(123456), "123 us");
  EXPECT_EQ(time_text(1234567), "1.23 ms");
  EXPECT_EQ(rate_text(2942132640.0), "2.94 GB/s");
  EXPECT_EQ(size_text(65536), "64 KiB");
  EXPECT_EQ(size_text(1), "1 B");
  EXPECT_EQ(count_text(4), "4");
  EXPECT_EQ(count_text(2.25), "2.25");
}

TEST(Text, ATableAlignsItsColumnsUnderTheirGroups) {
  Table table{{{"", "name", true}, {"group", "a"}, {"group", "long head"}, {"", "z", true}}};
  table.row({"x", "1", "2", "end"});
  EXPECT_EQ(table.text(),
            "      group\n"
            "name  a  long head  z\n"
            "x     1          2  end\n");
}

TEST(Comparison, ShowsClaimAndObservationSideBySide) {
  const std::string text = comparison("A title", Json::array({run_with({.mode_switches = 6, .cpu = 3})}));
  EXPECT_THAT(text, HasSubstr("A title"));
  EXPECT_THAT(text, HasSubstr("64 KiB file, chunks of 64 KiB, page cache cold"));
  // strategy, mode switches, CPU copies, DMA copies (claim, observed), time, throughput, busy, DRAM, bound
  EXPECT_THAT(text, testing::ContainsRegex("read_write +4 +6 +2 +3 +2 +2 +100 us +655 MB/s +25 % +3.00 +1 GB/s +cpu0"));
}

TEST(Comparison, CountsModeSwitchesPerRound) {
  const std::string text = comparison("", Json::array({run_with({.mode_switches = 16, .file = 4 * 65536})}));
  EXPECT_THAT(text, testing::ContainsRegex("read_write +4 +4 "));
}

TEST(Comparison, NamesTheTighterBound) {
  Json run = run_with();
  run["bound"]["demand_bytes_per_s"] = 5e9;
  EXPECT_THAT(comparison("", Json::array({run})), HasSubstr("2.94 GB/s  nic.wire"));
  run["bound"]["static_bytes_per_s"] = 0;  // over loopback, where no link has to be crossed
  EXPECT_THAT(comparison("", Json::array({run})), HasSubstr("5 GB/s  cpu0"));
}

TEST(Comparison, PrintsATablePerPoint) {
  Json one = run_with();
  one["point"] = {{"nic.rate", "10 Gbps"}};
  Json two = run_with();
  two["point"] = {{"nic.rate", "25 Gbps"}};
  const std::string text = comparison("", Json::array({one, one, two}));
  EXPECT_THAT(text, HasSubstr("nic.rate = 10 Gbps: "));
  EXPECT_THAT(text, HasSubstr("nic.rate = 25 Gbps: "));
  EXPECT_EQ(text.find("claim", text.find("nic.rate = 25")) != std::string::npos, true);
}

TEST(Comparison, SaysWhatFailed) {
  Json run = run_with();
  run["expectations"] = {{{"what", "copies.cpu"}, {"want", 1}, {"got", 2}, {"holds", false}},
                         {{"what", "copies.dma"}, {"min", 3}, {"got", 2}, {"holds", false}}};
  const Json crashed{{"strategy", "splice"}, {"failures", {"the simulation crashed"}}};
  const std::string text = comparison("", Json::array({run, crashed}));
  EXPECT_THAT(text, HasSubstr("FAILED read_write: copies.cpu is 2, expected 1"));
  EXPECT_THAT(text, HasSubstr("FAILED read_write: copies.dma is 2, expected at least 3"));
  EXPECT_THAT(text, HasSubstr("FAILED splice: the simulation crashed"));
  run["expectations"] = {{{"what", "copies.cpu"}, {"want", 1.0}, {"got", 0.0}, {"holds", false}},
                         {{"what", "moves.9"}, {"want", 1.5}, {"got", nullptr}, {"holds", false}}};
  EXPECT_EQ(complaints(run),
            "FAILED read_write: copies.cpu is 0, expected 1\n"
            "FAILED read_write: moves.9 is not in the results, expected 1.5\n");
}

TEST(Explanations, AreGivenOnlyForDifferences) {
  EXPECT_THAT(explanations(run_with()), IsEmpty());
  EXPECT_THAT(explanations(run_with({.strategy = "splice", .mode_switches = 4, .cpu = 0})),
              ElementsAre(HasSubstr("on Linux splice needs two")));
  EXPECT_THAT(explanations(run_with({.dma = 1})), ElementsAre(HasSubstr("was in the page cache")));
  EXPECT_THAT(explanations(run_with({.dma = 0})), ElementsAre(HasSubstr("both ends are on this machine")));
  EXPECT_THAT(explanations(run_with({.cpu = 3, .gather = "false"})), ElementsAre(HasSubstr("cannot gather")));
  EXPECT_THAT(explanations(run_with({.strategy = "mmap_write", .mode_switches = 10, .cpu = 1, .file = 4 * 65536})),
              ElementsAre(HasSubstr("one mmap serves all rounds")));
}

TEST(Details, NameEveryCount) {
  const std::string text = details(run_with());
  for (const char* key : {"mode switches", "TLB misses", "MMIO accesses", "DRAM read", "read x 1", "user.buffer"}) {
    EXPECT_THAT(text, HasSubstr(key));
  }
}

TEST(Details, LeaveOutMovesWithoutPayload) { EXPECT_THAT(details(run_with()), Not(HasSubstr("nic.fifo"))); }

TEST(Details, GiveLatenciesOfManyFiles) {
  EXPECT_THAT(details(run_with()), Not(HasSubstr("p99.9")));
  Json run = run_with();
  run["workload"]["files"] = 3;
  EXPECT_THAT(details(run), HasSubstr("latency per file    p50 1 ns, p99 2 ns, p99.9 3 ns, max 4 ns"));
}

TEST(Graph, DrawsMovesBetweenPlacesInFramesByStrategy) {
  const std::string text = data_flow_graph(Json::array({run_with(), run_with({.strategy = "splice"})}));
  EXPECT_THAT(text, HasSubstr("subgraph cluster_0_read_write {"));
  EXPECT_THAT(text, HasSubstr("subgraph cluster_1_splice {"));
  EXPECT_THAT(text, HasSubstr("subgraph cluster_0_read_write_user_space {"));
  EXPECT_THAT(text, HasSubstr("label=\"cpu\n64 KiB\""));
  EXPECT_THAT(text, testing::ContainsRegex("label=\"reference\n64 KiB\", style=dashed"));
  EXPECT_THAT(text, Not(HasSubstr("hardware")));  // neither run moved payload there
}

TEST(Graph, PutsTheDisksSideToTheLeftOfTheNetworks) {
  Json run = run_with();
  run["moves"] = {{{"from", "disk.buffer"}, {"to", "kernel.page_cache"}, {"by", "dma"}, {"bytes", 4096}},
                  {{"from", "kernel.page_cache"}, {"to", "nic.fifo"}, {"by", "dma"}, {"bytes", 4096}}};
  const std::string text = data_flow_graph(Json::array({run}));
  // 0: page cache, above; 1: disk buffer; 2: FIFO, in one row
  EXPECT_THAT(text, HasSubstr("0[label=\"kernel.page_cache\"]"));
  EXPECT_THAT(text, HasSubstr("1[label=\"disk.buffer\"]"));
  EXPECT_THAT(text, HasSubstr("2[label=\"nic.fifo\"]"));
  EXPECT_THAT(text, HasSubstr("1 -> 2[style=invis]"));
  EXPECT_THAT(text, HasSubstr("0 -> 1[style=invis, weight=8]"));
  EXPECT_THAT(text, HasSubstr("rank=same"));
}

TEST(Strace, WritesCallsInStracesForm) {
  const Json run{
      {"strategy", "sendfile_gather"},
      {"strace",
       {{{"task", "splice"},
         {"call", "read"},
         {"arguments", "3, 0x7f0000000000, 65536"},
         {"result", 65536},
         {"at_ns", 1250},
         {"took_ns", 42100}},
        {{"task", "splice"},
         {"call", "mmap"},
         {"arguments", "NULL, 0"},
         {"result", -22},
         {"at_ns", 2000},
         {"took_ns", 100}},
        {{"task", "a"}, {"call", "close"}, {"arguments", "3"}, {"result", 0}, {"at_ns", 0}, {"took_ns", 1}}}}};
  EXPECT_EQ(strace_text(run),
            "--- sendfile_gather ---\n"
            "[splice] 0.000001250 read(3, 0x7f0000000000, 65536) = 65536 <0.000042100>\n"
            "[splice] 0.000002000 mmap(NULL, 0)      = -1 EINVAL (Invalid argument) <0.000000100>\n"
            "[a] 0.000000000 close(3)                = 0 <0.000000001>\n");
}

class Schema : public testing::Test {
 protected:
  Schema() : m_schema(nlohmann::json::parse(std::ifstream{SLUICE_SOURCE_DIR "/tools/results/results.schema.json"})) {}
  std::vector<std::string> complaints(const Json& run) {
    return m_schema.complaints(nlohmann::json::parse(results_text("a.yaml", Json::array({run}))));
  }
  tests::JsonSchema m_schema;
};

TEST_F(Schema, AcceptsResults) {
  EXPECT_THAT(complaints(run_with()), IsEmpty());
  const Json crashed{
      {"strategy", "splice"}, {"kernel", "simulated"}, {"settings", Json::object()}, {"failures", {"crashed"}}};
  EXPECT_THAT(complaints(crashed), IsEmpty());
}

TEST_F(Schema, RefusesWhatIsMissingOrOfTheWrongKind) {
  Json run = run_with();
  run["counts"].erase("interrupts");
  run["copies"]["cpu"] = "two";
  run["moves"][0]["by"] = "magic";
  run.erase("bound");
  EXPECT_THAT(complaints(run),
              testing::UnorderedElementsAre("/runs/0/counts: no interrupts", "/runs/0/copies/cpu: is no number",
                                            "/runs/0/moves/0/by: \"magic\" is no choice", "/runs/0: no bound"));
}

TEST_F(Schema, RefusesAnotherVersion) {
  EXPECT_THAT(
      m_schema.complaints({{"schema", "sluice.results/2"}, {"scenario", "a"}, {"runs", nlohmann::json::array()}}),
      ElementsAre("/schema: is not \"sluice.results/1\""));
}

}  // namespace
}  // namespace sluice::report
