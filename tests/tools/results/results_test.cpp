// SPDX-License-Identifier: Apache-2.0
// One description of a result, and what follows from it.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/results/json_schema.h"
#include "tools/results/crosscheck_result.h"
#include "tools/results/json_io.h"
#include "tools/results/paths.h"
#include "tools/results/run_result.h"
#include "tools/results/schema.h"

namespace sluice::results {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Text = std::pair<std::string, std::string>;

/// A simulated run with every value that such runs have.
RunResult complete_run() {
  RunResult run{.strategy = "read_write", .settings = {Text{"nic.rate", "10 Gbps"}}};
  run.point = {Text{"workload.chunk", "4 KiB"}};
  run.features = {Text{"nic.gather", "true"}};
  run.workload = {.files = 1,
                  .file_bytes = 65536,
                  .chunk_bytes = 65536,
                  .rounds = 1,
                  .page_cache = "cold",
                  .cpus = 1,
                  .regime = "default"};
  run.payload_bytes = 65536;
  run.delivered = {.bytes = 65536, .sha256 = "ab", .intact = true};
  run.time = {.elapsed_ns = 100, .cpu_user_ns = 1, .cpu_kernel_ns = 2, .cpu_irq_ns = 3, .cpu_idle_ns = 94};
  run.work_ns = {{"copy", 6}};
  run.throughput_bytes_per_s = 655.36;
  run.system_calls = {{"read", 1}, {"write", 1}};
  run.counts = {.mode_switches = 4,
                .interrupts = 2,
                .tlb_misses = 3,
                .dma_descriptors = 4,
                .mmio_accesses = 5,
                .wire_frames = 6,
                .retransmissions = 7,
                .drops = 8};
  run.tasks = {{"sender", TaskUse{.cpu_ns = 5}}, {"ksoftirqd", "not permitted here"}};
  run.copies = {.cpu = 2, .dma = 2};
  run.bytes = {.cpu = 131072, .dma = 131072};
  run.moves = {{.from = "user.buffer", .to = "kernel.socket_buffer", .by = "cpu", .bytes = 65536}};
  run.latency_ns = {.p50 = 1, .p99 = 2, .p999 = 3, .max = 4};
  run.bound = {.static_bytes_per_s = 1e9, .static_limited_by = "nic.wire"};
  run.utilisation = {{"cpu0", 0.06}};
  run.waits_ns = {{"a page of a file", 60}};
  run.limited_by = "latency";
  run.simulator = {.wall_s = 0.5, .events = 10, .peak_rss_bytes = 1000};
  run.expectations = {{.what = "copies.cpu", .want = 2, .got = 2, .holds = true}};
  return run;
}

TEST(RunResult, IsReadBackFromItsJson) {
  const Json json = to_json(complete_run());
  EXPECT_EQ(to_json(from_json<RunResult>(json)).dump(), json.dump());
}

TEST(RunResult, WhatIsNotKnownIsAbsentAndNotZero) {
  const Json json = to_json(RunResult{.strategy = "splice"});
  EXPECT_FALSE(json.contains("time"));
  EXPECT_FALSE(json.contains("point"));
  EXPECT_TRUE(json.contains("failures"));
  RunResult over_loopback = complete_run();
  over_loopback.counts->wire_frames.reset();
  over_loopback.bound->static_bytes_per_s.reset();
  EXPECT_FALSE(to_json(over_loopback)["counts"].contains("wire_frames"));
  EXPECT_FALSE(to_json(over_loopback)["bound"].contains("static_bytes_per_s"));
}

TEST(RunResult, ReadingNamesThePlaceOfWhatIsWrong) {
  const auto complaint = [](const Json& json) -> std::string {
    try {
      (void)from_json<RunResult>(json);
    } catch (const base::InputError& refused) {
      return refused.what();
    }
    return "";
  };
  Json json = to_json(complete_run());
  json["later"] = "a key that results may gain";
  EXPECT_EQ(complaint(json), "");
  json["counts"]["interrupts"] = "two";
  EXPECT_EQ(complaint(json), "/counts/interrupts: is no number");
  json["counts"].erase("interrupts");
  json["copies"].erase("cpu");
  EXPECT_EQ(complaint(json), "/copies/cpu: is missing");
}

TEST(Paths, AreTheDescriptionsAndLeaveCountsOut) {
  for (const char* path : {"copies.cpu", "mode_switches", "counts.mode_switches", "work_ns.copy", "tasks.sender.cpu_ns",
                           "workload.cpus", "workload.regime", "moves.0.bytes", "retransmissions", "limited_by"}) {
    EXPECT_TRUE(is_result_path(path)) << path;
  }
  for (const char* path : {"copies.gpu", "simulator.wall_s", "failures", "expectations", "counts", "time"}) {
    EXPECT_FALSE(is_result_path(path)) << path;
  }
}

TEST(Paths, LeadToTheValue) {
  const Json json = to_json(complete_run());
  EXPECT_EQ(*find_value(json, "copies.cpu"), 2.0);
  EXPECT_EQ(*find_value(json, "mode_switches"), 4);
  EXPECT_EQ(*find_value(json, "counts.mode_switches"), 4);
  EXPECT_EQ(*find_value(json, "moves.0.bytes"), 65536);
  EXPECT_EQ(find_value(json, "moves.1.bytes"), nullptr);
  EXPECT_EQ(find_value(json, "copies.gpu"), nullptr);
}

class Schema : public testing::Test {
 protected:
  std::vector<std::string> complaints(const Json& run) {
    const Json all{{"schema", kResultsSchema}, {"scenario", "a.yaml"}, {"runs", Json::array({run})}};
    return m_schema.complaints(nlohmann::json::parse(all.dump()));
  }
  tests::JsonSchema m_schema{nlohmann::json::parse(results_schema().dump())};
};

TEST_F(Schema, AcceptsResults) {
  EXPECT_THAT(complaints(to_json(complete_run())), IsEmpty());
  RunResult crashed{.strategy = "splice"};
  crashed.failures = {"crashed"};
  EXPECT_THAT(complaints(to_json(crashed)), IsEmpty());
}

TEST_F(Schema, RefusesWhatIsMissingOrOfTheWrongKind) {
  Json run = to_json(complete_run());
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
      ElementsAre(HasSubstr("/schema: ")));
}

/// The published files hold what the descriptions say. When they do not: the right text lies in the test's folder.
void expect_published(const std::string& name, const Json& schema) {
  std::ifstream file{SLUICE_SOURCE_DIR "/tools/results/" + name};
  const std::string published{std::istreambuf_iterator<char>{file}, {}};
  if (published == json_text(schema)) return;
  std::ofstream{testing::TempDir() + name} << json_text(schema);
  ADD_FAILURE() << "tools/results/" << name << " is not what the description says; take " << testing::TempDir() << name;
}

TEST(PublishedSchema, OfResultsIsTheDescriptions) { expect_published("results.schema.json", results_schema()); }
TEST(PublishedSchema, OfACrosscheckIsTheDescriptions) {
  expect_published("crosscheck.schema.json", crosscheck_schema());
}

}  // namespace
}  // namespace sluice::results
