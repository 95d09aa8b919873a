// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/report/comparison.h"
#include "tools/report/csv.h"
#include "tools/report/details.h"
#include "tools/report/graph.h"
#include "tools/report/notes.h"
#include "tools/report/strace.h"
#include "tools/report/text.h"

namespace sluice::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Observed {
  std::string strategy = "read_write";
  results::Named<std::uint64_t> calls = {{"read", 1}, {"write", 1}};
  std::vector<results::MoveInfo> moves = {};
  std::string gather = "true";
  std::uint64_t file = 65536;
  std::uint64_t rounds = 1;
};

results::MoveInfo move(std::string from, std::string to, std::string by, std::uint64_t bytes = 65536) {
  return {.from = std::move(from), .to = std::move(to), .by = std::move(by), .bytes = bytes};
}
const std::vector<results::MoveInfo> kFromTheDisk = {move("disk.buffer", "kernel.page_cache", "dma")};
const std::vector<results::MoveInfo> kToTheCard = {move("kernel.socket_buffer", "nic.fifo", "dma")};

std::vector<results::MoveInfo> operator+(std::vector<results::MoveInfo> a, const std::vector<results::MoveInfo>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Of a cold file by read and write: what the article says.
std::vector<results::MoveInfo> articles_moves() {
  return kFromTheDisk +
         std::vector{move("kernel.page_cache", "user.buffer", "cpu"),
                     move("user.buffer", "kernel.socket_buffer", "cpu")} +
         kToTheCard;
}

/// A run whose counts follow from its calls and moves.
RunResult run_with(Observed observed = {}) {
  if (observed.moves.empty()) observed.moves = articles_moves();
  RunResult run{.strategy = observed.strategy};
  run.features = {{"nic.gather", observed.gather}, {"kernel.net.gso", "true"}};
  run.workload = {
      .files = 1, .file_bytes = observed.file, .chunk_bytes = 65536, .rounds = observed.rounds, .page_cache = "cold"};
  run.payload_bytes = observed.file;
  run.delivered = {.bytes = observed.file, .sha256 = "ab", .intact = true};
  run.time = {.elapsed_ns = 100000, .cpu_kernel_ns = 20000, .cpu_irq_ns = 5000, .cpu_idle_ns = 75000};
  run.throughput_bytes_per_s = static_cast<double>(observed.file) / 1e-4;
  run.system_calls = observed.calls;
  run.counts = {
      .interrupts = 2, .tlb_misses = 3, .dma_descriptors = 4, .mmio_accesses = 5, .retransmissions = 0, .drops = 0};
  for (const auto& [name, count] : observed.calls) run.counts->mode_switches += 2 * count;
  run.copies.emplace();
  for (const results::MoveInfo& one : observed.moves) {
    const double share = static_cast<double>(one.bytes) / static_cast<double>(observed.file);
    if (one.by == "cpu") run.copies->cpu += share;
    if (one.by == "dma") run.copies->dma += share;
  }
  run.bytes = {.dram_read = observed.file, .dram_written = 2 * observed.file};
  run.moves = observed.moves;
  run.latency_ns = {.p50 = 1, .p99 = 2, .p999 = 3, .max = 4};
  run.bound = {.static_bytes_per_s = 2942132640,
               .static_limited_by = "nic.wire",
               .demand_bytes_per_s = 1000000000,
               .demand_limited_by = "cpu0"};
  run.utilisation = {{"cpu0", 0.25}};
  run.waits_ns = {{"a page of a file", 60000}};
  run.limited_by = "latency: 60 % waiting for a page of a file";
  run.expectations.emplace();
  run.simulator = {.wall_s = 0.5, .events = 10, .peak_rss_bytes = 1000};
  return run;
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
  const std::string text = comparison("A title", {run_with({.calls = {{"read", 1}, {"write", 2}}})});
  EXPECT_THAT(text, HasSubstr("A title"));
  EXPECT_THAT(text, HasSubstr("64 KiB file, chunks of 64 KiB, page cache cold; the NIC gathers"));
  // strategy, zero copy, calls, mode switches, CPU copies, DMA copies (claim, observed), time, throughput, busy, DRAM
  EXPECT_THAT(text, testing::ContainsRegex("read_write +none +2 +3 +4 +6 +2 +2 +2 +2 +100 us +655 MB/s +25 % +3.00 "
                                           "+1 GB/s +latency: 60 % waiting for a page of a file"));
}

TEST(Comparison, CountsPerRound) {
  const std::string text = comparison("", {run_with({.calls = {{"read", 4}, {"write", 4}}, .rounds = 4})});
  EXPECT_THAT(text, testing::ContainsRegex("read_write +none +2 +2 +4 +4 "));
}

TEST(Comparison, NamesTheTighterBound) {
  RunResult run = run_with();
  run.bound->demand_bytes_per_s = 5e9;
  EXPECT_THAT(comparison("", {run}), HasSubstr("2.94 GB/s  latency"));
  run.bound->static_bytes_per_s.reset();  // over loopback, where no link has to be crossed
  EXPECT_THAT(comparison("", {run}), HasSubstr("5 GB/s  latency"));
}

TEST(Comparison, PrintsATablePerPoint) {
  RunResult one = run_with();
  one.point = {std::pair<std::string, std::string>{"nic.rate", "10 Gbps"}};
  RunResult two = run_with();
  two.point = {std::pair<std::string, std::string>{"nic.rate", "25 Gbps"}};
  const std::string text = comparison("", {one, one, two});
  EXPECT_THAT(text, HasSubstr("nic.rate = 10 Gbps: "));
  EXPECT_THAT(text, HasSubstr("nic.rate = 25 Gbps: "));
  EXPECT_EQ(text.find("claim", text.find("nic.rate = 25")) != std::string::npos, true);
}

TEST(Comparison, ARowThatRanOnAnotherMachineSaysSo) {
  const std::string text = comparison(
      "", {run_with(), run_with({.strategy = "mmap_write"}), run_with({.strategy = "sendfile", .gather = "false"})});
  EXPECT_THAT(text, HasSubstr("\nsendfile (no gather) "));
  EXPECT_THAT(text, HasSubstr("\nread_write "));
  EXPECT_THAT(text, HasSubstr("sendfile (no gather): this row's machine has nic.gather = false, the others' "
                              "nic.gather = true"));
  const std::string alike =
      comparison("", {run_with({.gather = "false"}), run_with({.strategy = "sendfile", .gather = "false"})});
  EXPECT_THAT(alike, HasSubstr("\nsendfile "));
  EXPECT_THAT(alike, HasSubstr("the NIC cannot gather"));
  EXPECT_THAT(alike, Not(HasSubstr("this row's machine")));
}

TEST(Comparison, SaysWhatFailed) {
  RunResult run = run_with();
  run.expectations = {{.what = "copies.cpu", .want = 1, .got = 2, .holds = false},
                      {.what = "copies.dma", .min = 3, .got = 2, .holds = false}};
  RunResult crashed{.strategy = "splice"};
  crashed.failures = {"the simulation crashed"};
  const std::string text = comparison("", {run, crashed});
  EXPECT_THAT(text, HasSubstr("FAILED read_write: copies.cpu is 2, expected 1"));
  EXPECT_THAT(text, HasSubstr("FAILED read_write: copies.dma is 2, expected at least 3"));
  EXPECT_THAT(text, HasSubstr("FAILED splice: the simulation crashed"));
  run.expectations = {{.what = "copies.cpu", .want = 1.0, .got = 0.0, .holds = false},
                      {.what = "moves.9", .want = 1.5, .got = {}, .holds = false},
                      {.what = "copies.dma", .want = 1.0, .got = 2.0, .holds = false, .differs_because = "x=1"}};
  EXPECT_EQ(complaints(run),
            "FAILED read_write: copies.cpu is 0, expected 1\n"
            "FAILED read_write: moves.9 is not in the results, expected 1.5\n"
            "DIFFERS read_write: copies.dma is 2, the scenario expects 1; you set x=1\n");
}

TEST(Notes, AreGivenOnlyForDifferences) { EXPECT_THAT(notes(run_with()), IsEmpty()); }

TEST(Notes, OnCallsFollowFromTheCallsAndTheMoves) {
  const auto of = [](const results::Named<std::uint64_t>& calls, std::uint64_t rounds,
                     std::vector<results::MoveInfo> more = {}) {
    return notes(run_with({.calls = calls, .moves = articles_moves() + std::move(more), .rounds = rounds}));
  };
  EXPECT_THAT(of({{"mmap", 1}, {"write", 4}}, 4), ElementsAre(HasSubstr("one mmap serves 4 rounds")));
  EXPECT_THAT(of({{"read", 1}, {"write", 2}}, 1), ElementsAre(HasSubstr("write is repeated")));
  EXPECT_THAT(of({{"splice", 4}}, 1, {move("kernel.page_cache", "kernel.pipe", "reference")}),
              ElementsAre(HasSubstr("goes through a pipe")));
}

TEST(Notes, OnDmaCopiesAskWhatWasMoved) {
  const std::vector<results::MoveInfo> copies{move("kernel.page_cache", "user.buffer", "cpu"),
                                              move("user.buffer", "kernel.socket_buffer", "cpu")};
  const auto note = [](const std::vector<results::MoveInfo>& moves) { return notes(run_with({.moves = moves})).at(0); };
  EXPECT_THAT(note(copies + kToTheCard), HasSubstr("no byte came from the disk"));
  // A cold file over loopback: one DMA copy, and that one is the disk's.
  EXPECT_THAT(note(kFromTheDisk + copies), Not(HasSubstr("page cache")));
  EXPECT_THAT(note(kFromTheDisk + copies), HasSubstr("no byte went to a network card"));
  const std::vector<results::MoveInfo> twice{move("disk.buffer", "kernel.page_cache", "dma", 131072)};
  EXPECT_THAT(note(twice + copies + kToTheCard), HasSubstr("the disk brought 2 bytes per byte sent"));
}

TEST(Notes, OnCpuCopiesSayWhichThereWere) {
  const auto found = notes(run_with({.strategy = "sendfile",
                                     .calls = {{"sendfile", 1}},
                                     .moves = kFromTheDisk + kToTheCard +
                                              std::vector{move("kernel.page_cache", "kernel.socket_buffer", "cpu"),
                                                          move("kernel.socket_buffer", "kernel.socket_buffer", "cpu")},
                                     .gather = "false"}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0], HasSubstr("1 from kernel.page_cache to kernel.socket_buffer"));
  EXPECT_THAT(found[0], HasSubstr("the NIC cannot gather"));
}

TEST(ZeroCopy, IsReadOffTheMoves) {
  const auto of = [](const std::vector<results::MoveInfo>& moves) { return zero_copy(run_with({.moves = moves})); };
  EXPECT_EQ(of(articles_moves()), "none");
  EXPECT_EQ(of({move("disk.buffer", "user.buffer", "dma"), move("user.buffer", "kernel.socket_buffer", "cpu")}),
            "broad");
  EXPECT_EQ(of({move("kernel.page_cache", "kernel.socket_buffer", "cpu")}), "narrow");
  EXPECT_EQ(of(kFromTheDisk + kToTheCard), "full");
  // The receiver's copy is none of the sender's.
  EXPECT_EQ(of({move("kernel.socket_buffer", "receiver.user_buffer", "cpu")}), "full");
}

TEST(Details, SayEveryValueOfTheDescription) {
  const std::string text = details(run_with());
  for (const char* words :
       {"mode switches       4", "TLB misses", "MMIO accesses", "retransmissions     0", "bytes DRAM read     64 KiB",
        "read x 1, write x 1", "user.buffer", "CPU irq 5 us", "cpu0 25 %", "a page of a file 60 us", "sha256 ab",
        "intact", "static limited by nic.wire"}) {
    EXPECT_THAT(text, HasSubstr(words));
  }
  EXPECT_THAT(text, Not(HasSubstr("user 0 ns")));
}

TEST(Details, LeaveOutMovesWithoutPayload) {
  EXPECT_THAT(details(run_with({.moves = articles_moves() + std::vector{move("wire", "peer", "device", 0)}})),
              Not(HasSubstr("-> peer")));
}

TEST(Details, GiveLatenciesOfManyFiles) {
  EXPECT_THAT(details(run_with()), Not(HasSubstr("p99")));
  RunResult run = run_with();
  run.workload->files = 3;
  EXPECT_THAT(details(run), HasSubstr("latency             p50 1 ns, p99 2 ns, p999 3 ns, max 4 ns"));
}

TEST(Csv, HasAColumnPerValueAndAnEmptyCellForNone) {
  RunResult crashed{.strategy = "spl\"ice"};
  const std::string text = csv({crashed, run_with()});
  const std::string head = text.substr(0, text.find("\r\n"));
  for (const char* column : {"strategy,", ",time.elapsed_ns,", ",system_calls.read,", ",copies.cpu,"}) {
    EXPECT_THAT(head, HasSubstr(column));
  }
  EXPECT_THAT(head, Not(HasSubstr("simulator")));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_THAT(text, HasSubstr("\r\n\"spl\"\"ice\",simulated,,"));
}

TEST(Graph, DrawsMovesBetweenPlacesInFramesByStrategy) {
  const std::vector<results::MoveInfo> moves{move("kernel.page_cache", "user.buffer", "cpu"),
                                             move("kernel.page_cache", "kernel.pipe", "reference"),
                                             move("nic.fifo", "wire", "device", 0)};
  const std::string text =
      data_flow_graph("A title", {run_with({.moves = moves}), run_with({.strategy = "splice", .moves = moves})});
  EXPECT_THAT(text, HasSubstr("label=\"A title\""));
  EXPECT_THAT(text, HasSubstr("subgraph cluster_legend {"));
  EXPECT_THAT(text, HasSubstr("subgraph cluster_0_read_write {"));
  EXPECT_THAT(text, HasSubstr("subgraph cluster_1_splice {"));
  EXPECT_THAT(text, HasSubstr("subgraph cluster_0_read_write_user_space {"));
  EXPECT_THAT(text, HasSubstr("label=\"1. cpu\n64 KiB\""));
  EXPECT_THAT(text, testing::ContainsRegex("label=\"1. reference\n64 KiB\", style=dashed"));
  EXPECT_THAT(text, Not(HasSubstr("hardware")));  // neither run moved payload there
}

TEST(Graph, NumbersMovesInTheOrderInWhichAByteTakesThem) {
  std::vector<results::MoveInfo> moves = articles_moves() + std::vector{move("nic.fifo", "wire", "device")};
  std::reverse(moves.begin(), moves.end());
  const std::string text = data_flow_graph("", {run_with({.moves = moves})});
  for (const char* label : {"1. dma", "2. cpu", "3. cpu", "4. dma", "5. device"}) EXPECT_THAT(text, HasSubstr(label));
}

TEST(Graph, PutsThePeerBeyondTheMachine) {
  const std::string text =
      data_flow_graph("", {run_with({.moves = {move("nic.fifo", "wire", "device"), move("wire", "peer", "device")}})});
  const auto beyond = text.find("subgraph cluster_0_read_write_beyond_the_machine {");
  ASSERT_NE(beyond, std::string::npos);
  EXPECT_GT(text.find("label=peer"), beyond);
}

TEST(Graph, PutsTheDisksSideToTheLeftOfTheNetworks) {
  const std::string text =
      data_flow_graph("", {run_with({.moves = {move("disk.buffer", "kernel.page_cache", "dma", 4096),
                                               move("kernel.page_cache", "nic.fifo", "dma", 4096)}})});
  // 0: page cache, above; 1: disk buffer; 2: FIFO, in one row
  EXPECT_THAT(text, HasSubstr("0[label=\"kernel.page_cache\"]"));
  EXPECT_THAT(text, HasSubstr("1[label=\"disk.buffer\"]"));
  EXPECT_THAT(text, HasSubstr("2[label=\"nic.fifo\"]"));
  EXPECT_THAT(text, HasSubstr("1 -> 2[style=invis]"));
  EXPECT_THAT(text, HasSubstr("0 -> 1[style=invis, weight=8]"));
  EXPECT_THAT(text, HasSubstr("rank=same"));
}

TEST(Strace, WritesCallsInStracesFormFromTheFirstCallOn) {
  RunResult run{.strategy = "sendfile_gather"};
  run.strace = {{.task = "a",
                 .call = "read",
                 .arguments = "3, 0x7f0000000000, 65536",
                 .result = 65536,
                 .at_ns = 1250,
                 .took_ns = 42100},
                {.task = "a", .call = "mmap", .arguments = "NULL, 0", .result = -22, .at_ns = 2000, .took_ns = 100},
                {.task = "b", .call = "close", .arguments = "3", .result = 0, .at_ns = 1000, .took_ns = 1}};
  EXPECT_EQ(strace_text(run),
            "--- sendfile_gather ---\n"
            "[a] 0.000000250 read(3, 0x7f0000000000, 65536) = 65536 <0.000042100>\n"
            "[a] 0.000001000 mmap(NULL, 0)           = -1 EINVAL (Invalid argument) <0.000000100>\n"
            "[b] 0.000000000 close(3)                = 0 <0.000000001>\n");
}

}  // namespace
}  // namespace sluice::report
