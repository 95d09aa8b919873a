// SPDX-License-Identifier: Apache-2.0
#include "tools/crosscheck/crosscheck.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/results/json_schema.h"
#include "tests/tools/scenario/support.h"
#include "tests/tools/sluice/process.h"
#include "tools/crosscheck/crosscheck_cells.h"
#include "tools/report/crosscheck_table.h"
#include "tools/report/scatter.h"
#include "tools/results/json_io.h"
#include "tools/scenario/scenario.h"

namespace sluice::tests {
namespace {

using results::Cell;
using results::RunResult;
using results::Summary;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// What matters of a run to its cell.
struct Side {
  std::int64_t cpu_ns = 100;
  std::int64_t elapsed_ns = 200;
  std::uint64_t writes = 16;
  std::uint64_t faults = 0;
  double spread = 0.01;
  std::string strategy = "read_write";
  std::uint64_t chunk = 4096;
};

RunResult run(const Side& side, const char* kernel) {
  RunResult run{.strategy = side.strategy, .kernel = kernel};
  run.point = {{"workload.chunk", std::to_string(side.chunk) + " B"}, {"workload.file.size", "64 KiB"}};
  run.workload = {.files = 1, .file_bytes = 65536, .chunk_bytes = side.chunk, .page_cache = "warm"};
  run.payload_bytes = 65536;
  run.time = {.elapsed_ns = side.elapsed_ns, .cpu_kernel_ns = side.cpu_ns, .cpu_ns = side.cpu_ns};
  run.system_calls = {{"write", side.writes}};
  run.counts = {.mode_switches = 2 * side.writes, .page_faults_minor = side.faults};
  run.repetitions.emplace();
  run.repetitions->cpu_ns.spread = run.repetitions->elapsed_ns.spread = side.spread;
  return run;
}
Cell cell(const Side& predicted, const Side& measured) {
  return crosscheck::cell_of(run(predicted, results::kSimulated), run(measured, results::kHost));
}

TEST(CrosscheckCell, HoldsTimesAndCountsAgainstEachOther) {
  const Cell found = cell({.cpu_ns = 110, .elapsed_ns = 150}, {.cpu_ns = 100, .elapsed_ns = 200});
  EXPECT_THAT(found.cpu_ns->error_percent.value(), DoubleNear(10, 1e-9));
  EXPECT_THAT(found.elapsed_ns->error_percent.value(), DoubleNear(-25, 1e-9));
  EXPECT_TRUE(found.counts->equal);
}

TEST(CrosscheckCell, InterruptTimeOfTheSimulationIsCpuTime) {
  RunResult simulated = run({.cpu_ns = 70}, results::kSimulated);
  simulated.time->cpu_irq_ns = 20;
  simulated.time->cpu_user_ns = 10;
  EXPECT_EQ(crosscheck::cell_of(simulated, run({}, results::kHost)).cpu_ns->predicted, 100);
}

TEST(CrosscheckCell, ASystemCallMoreIsADifference) {
  const Cell found = cell({.writes = 17}, {.writes = 16});
  EXPECT_FALSE(found.counts->equal);
  EXPECT_THAT(found.counts->differences,
              ElementsAre("write: 17 predicted, 16 measured", "mode_switches: 34 predicted, 32 measured"));
}

TEST(CrosscheckCell, FaultsMayDifferByTwoAndTenPercent) {
  EXPECT_TRUE(cell({.faults = 178}, {.faults = 200}).counts->equal);
  EXPECT_TRUE(cell({.faults = 222}, {.faults = 200}).counts->equal);
  EXPECT_FALSE(cell({.faults = 223}, {.faults = 200}).counts->equal);
}

TEST(CrosscheckCell, ARunThatFailedHasNoTimes) {
  RunResult hung{.strategy = "splice"};
  hung.failures = {"hangs"};
  const Cell failed = crosscheck::cell_of(hung, run({}, results::kHost));
  EXPECT_FALSE(failed.cpu_ns.has_value());
  EXPECT_THAT(failed.failures, ElementsAre("simulated: hangs"));
  const Summary summary = crosscheck::summarise_cells({failed}, false);
  EXPECT_EQ(summary.failed, 1U);
  EXPECT_FALSE(summary.counts_equal);
  EXPECT_FALSE(summary.cpu_mape_percent.has_value());
  EXPECT_THAT(crosscheck::breaches_of(summary, {}), ElementsAre("1 cells failed", "the counts differ"));
}

/// Two strategies at chunks of 4 and 64 KiB: 20 % and 10 % too much, 10 % too little, and one that repeats badly.
std::vector<Cell> grid() {
  return {cell({.cpu_ns = 120, .chunk = 4096}, {.cpu_ns = 100}),
          cell({.cpu_ns = 55, .strategy = "splice"}, {.cpu_ns = 50, .strategy = "splice"}),
          cell({.cpu_ns = 45, .chunk = 65536}, {.cpu_ns = 50, .chunk = 65536}),
          cell({.cpu_ns = 40, .strategy = "splice", .chunk = 65536},
               {.cpu_ns = 100, .spread = 0.2, .strategy = "splice", .chunk = 65536})};
}

TEST(CrosscheckSummary, IsWorkedOutOverTheCells) {
  const Summary summary = crosscheck::summarise_cells(grid(), false);
  EXPECT_EQ(summary.cells, 4U);
  EXPECT_THAT(summary.cpu_mape_percent.value(), DoubleNear((20 + 10 + 10 + 60) / 4.0, 1e-9));
  EXPECT_THAT(summary.cpu_worst_percent.value(), DoubleNear(20, 1e-9));
  EXPECT_EQ(summary.cpu_worst_cell, 0U);
  EXPECT_THAT(summary.unsteady_cells.value(), ElementsAre(3));
  // At 4 KiB the order is right, at 64 KiB it is not.
  EXPECT_EQ(summary.kendall_tau, 0.0);
}

TEST(CrosscheckSummary, IsJudgedByTheTolerance) {
  const Summary summary = crosscheck::summarise_cells(grid(), false);
  EXPECT_THAT(crosscheck::breaches_of(summary, {}), IsEmpty());
  EXPECT_THAT(crosscheck::breaches_of(summary, {25.1, 20.1, -0.1}), IsEmpty());
  EXPECT_THAT(crosscheck::breaches_of(summary, {24.9, {}, {}}), ElementsAre(HasSubstr("cpu_mape_percent is 25.0")));
  EXPECT_THAT(crosscheck::breaches_of(summary, {{}, 19.9, {}}), ElementsAre(HasSubstr("cpu_worst_percent is 20.0")));
  EXPECT_THAT(crosscheck::breaches_of(summary, {{}, {}, 0.1}), ElementsAre(HasSubstr("kendall_tau is 0.000")));
}

TEST(CrosscheckSummary, OfCountsOnlyKnowsNoTimes) {
  const Summary summary = crosscheck::summarise_cells(grid(), true);
  EXPECT_FALSE(summary.cpu_mape_percent.has_value());
  EXPECT_THAT(crosscheck::breaches_of(summary, {1, 1, 1}), IsEmpty());
}

TEST(CrosscheckCrossovers, ArePredictedAndMeasured) {
  // Measured: splice twice as cheap at 4 KiB and twice as dear at 64 KiB, so equal at 16 KiB. Predicted: never.
  const std::vector<results::Crossover> found = crosscheck::crossovers_of(grid());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_THAT(found[0].strategies, ElementsAre("read_write", "splice"));
  EXPECT_THAT(found[0].where, ElementsAre(testing::Pair("workload.file.size", "64 KiB")));
  EXPECT_THAT(found[0].predicted_bytes, IsEmpty());
  EXPECT_THAT(found[0].measured_bytes, ElementsAre(16384));
}

results::CrosscheckResult crosscheck_of(const std::vector<Cell>& cells) {
  results::CrosscheckResult result;
  result.description = "a test's <grid>";
  result.summary = crosscheck::summarise_cells(cells, false);
  result.breaches = crosscheck::breaches_of(result.summary, {10, {}, {}});
  result.crossovers = crosscheck::crossovers_of(cells);
  result.cells = cells;
  return result;
}

TEST(CrosscheckTable, ShowsCellsSummaryAndBreaches) {
  const std::string text = report::crosscheck_table(crosscheck_of(grid()));
  for (const char* words :
       {"a test's <grid>", "+20.0 %", "-60.0 %", "sender's counts equal in all", "mean absolute error 25.0 %",
        "worst cell +20.0 % (read_write, chunks of 4 KiB, 64 KiB)", "Kendall's tau 0.000", "repeat worse than 5 %",
        "splice, chunks of 64 KiB, 64 KiB: +- 20.0 %", "16 KiB", "OUT OF TOLERANCE: cpu_mape_percent is 25.0"}) {
    EXPECT_THAT(text, HasSubstr(words));
  }
  EXPECT_THAT(report::crosscheck_table(crosscheck_of({cell({.writes = 1}, {.writes = 2})})),
              HasSubstr("DIFFERS read_write, chunks of 4 KiB, 64 KiB: write: 1 predicted, 2 measured"));
}

TEST(CrosscheckPlot, HasAMarkPerCellAndNoBareMarkup) {
  const std::string svg = report::scatter_svg(crosscheck_of(grid()));
  const auto count = [&](const std::string& what) {
    std::size_t n = 0;
    for (std::size_t at = svg.find(what); at != std::string::npos; at = svg.find(what, at + 1)) ++n;
    return n;
  };
  EXPECT_EQ(count("<title>read_write, chunks of"), 2U);
  EXPECT_EQ(count("<title>splice, chunks of"), 2U);
  EXPECT_EQ(count("<polygon"), 2U);  // the bands
  EXPECT_THAT(svg, HasSubstr("a test's &lt;grid>"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(report::scatter_svg({}), Not(HasSubstr("nan")));
}

class CrosscheckWarnings : public testing::Test {
 protected:
  std::vector<std::string> warnings(const std::string& host, const std::string& chunk) {
    m_folder.write("platform.yaml", kPlatform + host);
    const std::string path = m_folder.write(
        "s.yaml", "schema: sluice/1\nplatform: platform.yaml\nworkload: { file: { size: 64 KiB }, chunk: " + chunk +
                      " }\nstrategies: [read_write]\n");
    return crosscheck::warnings_of(scenario::load_scenario(path, {}), "this processor");
  }
  static std::string host(const std::string& cpu) {
    return "host: { cpu: " + cpu + ", kernel: 6.18, date: 2026-11-25, smallest_chunk: 4 KiB, largest_chunk: 1 MiB }\n";
  }
  Folder m_folder;
};

TEST_F(CrosscheckWarnings, NameAPlatformOfAnotherMachineAndChunksOutOfRange) {
  EXPECT_THAT(warnings(host("this processor"), "64 KiB"), IsEmpty());
  EXPECT_THAT(warnings(host("another"), "64 KiB"), ElementsAre(HasSubstr("was calibrated on 'another'")));
  EXPECT_THAT(warnings(host("this processor"), "2 KiB"), ElementsAre(HasSubstr("1 of 1 runs have chunks outside")));
  EXPECT_THAT(warnings("", "64 KiB"), ElementsAre(HasSubstr("calibrated on no host")));
}

TEST(CrosscheckCommand, TheSmallGridsCountsAreEqual) {
  const Folder folder;
  const Outcome outcome = sluice(
      "crosscheck " SLUICE_SOURCE_DIR "/scenarios/crosscheck-small.yaml --counts-only --json -", folder.path(""));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const results::Json json = results::Json::parse(outcome.out, nullptr, false);
  ASSERT_FALSE(json.is_discarded()) << outcome.out;
  const auto found = results::from_json<results::CrosscheckResult>(json);
  EXPECT_TRUE(found.summary.counts_equal) << report::crosscheck_table(found);
  EXPECT_EQ(found.summary.cells, 48U);
  const JsonSchema schema{nlohmann::json::parse(read_all(SLUICE_SOURCE_DIR "/tools/results/crosscheck.schema.json"))};
  EXPECT_THAT(schema.complaints(nlohmann::json::parse(outcome.out)), IsEmpty());
}

TEST(CrosscheckCommand, SeveralSendersWithSeveralConnectionsMakeTheSameCallsOnBothKernels) {
  const Folder folder;
  const std::string scenario =
      folder.write("scenario.yaml", "schema: sluice/1\nplatform: " SLUICE_SOURCE_DIR
                                    "/scenarios/platforms/loopback.yaml\nwith: { cpu.cores: 1 }\n"
                                    "workload: { files: { count: 2, size: 300 KiB }, page_cache: warm, regime: "
                                    "controlled, connections: 3, workers: 2, "
                                    "repeat: 2 }\nstrategies: [read_write, sendfile_gather, splice]\n");
  const Outcome outcome =
      sluice("crosscheck " + scenario + " --counts-only --verify --repetitions 2 --json -", folder.path(""));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const results::Json json = results::Json::parse(outcome.out, nullptr, false);
  ASSERT_FALSE(json.is_discarded()) << outcome.out;
  const auto found = results::from_json<results::CrosscheckResult>(json);
  EXPECT_TRUE(found.summary.counts_equal) << report::crosscheck_table(found);
  for (const Cell& cell : found.cells) {
    EXPECT_EQ(cell.counts->measured.payload_bytes, 2U * 300 * 1024 * 3 * 2) << cell.strategy;
    EXPECT_EQ(*results::find(cell.counts->measured.system_calls, "lseek"), 2U * 3) << cell.strategy;
  }
}

TEST(CrosscheckCommand, VerifyingReceiversAreHeldAgainstNoTimes) {
  // The simulated receiver discards; a host's that reads and hashes takes time that nobody predicted.
  const Folder folder;
  const Outcome outcome =
      sluice("crosscheck " SLUICE_SOURCE_DIR "/scenarios/crosscheck-small.yaml --verify", folder.path(""));
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("--verify: add --counts-only"));
}

TEST(CrosscheckCommand, NeedsALoopbackMachine) {
  const Folder folder;
  const Outcome outcome = sluice("crosscheck " SLUICE_SOURCE_DIR "/scenarios/article.yaml", folder.path(""));
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("a cross-check needs a platform without a network card"));
}

}  // namespace
}  // namespace sluice::tests
