// SPDX-License-Identifier: Apache-2.0
// `sluice native` from outside.
#include <algorithm>
#include <csignal>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/tools/results/json_schema.h"
#include "tests/tools/scenario/support.h"
#include "tests/tools/sluice/process.h"

namespace sluice::tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class Native : public testing::Test {
 protected:
  std::string scenario(const std::string& workload, const std::string& strategies = "read_write, mmap_write, splice",
                       const std::string& rest = "") {
    return m_folder.write("s.yaml", "schema: sluice/1\nplatform: " SLUICE_SOURCE_DIR
                                    "/scenarios/platforms/server-2020.yaml\n" +
                                        ("workload: { " + workload + " }\nstrategies: [" + strategies + "]\n" + rest));
  }
  Outcome run(const std::string& arguments) {
    return sluice("native " + arguments + " --directory " + m_folder.path(""), m_folder.path(""));
  }
  json results(const std::string& arguments) {
    const Outcome outcome = run(arguments + " --json -");
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return json::parse(outcome.out);
  }
  void expect_refused(const std::string& arguments, const std::string& words) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 2) << arguments;
    EXPECT_EQ(outcome.out, "") << arguments;
    EXPECT_THAT(outcome.err, HasSubstr(words)) << arguments;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }

  Folder m_folder;
};

const std::string kSmall = "file: { size: 300 KiB }, chunk: 64 KiB, page_cache: warm, regime: controlled";

TEST_F(Native, ResultsFollowTheSchemaOfSimulatedRuns) {
  const json found = results(scenario(kSmall) + " --repetitions 3 --verify");
  const JsonSchema schema{json::parse(read_all(SLUICE_SOURCE_DIR "/tools/results/results.schema.json"))};
  EXPECT_THAT(schema.complaints(found), testing::IsEmpty());
  ASSERT_EQ(found["runs"].size(), 3U);
  for (const json& run : found["runs"]) {
    EXPECT_EQ(run["kernel"], "host");
    EXPECT_EQ(run["delivered"]["bytes"], 300 * 1024);
    EXPECT_EQ(run["delivered"]["intact"], true);
    EXPECT_EQ(run["repetitions"]["cpu_ns"]["values"].size(), 3U);
    EXPECT_FALSE(run.contains("moves"));
  }
  EXPECT_EQ(found["runs"][0]["system_calls"], (json{{"read", 5}, {"write", 5}}));
  EXPECT_EQ(found["runs"][1]["system_calls"], (json{{"mmap", 1}, {"write", 5}}));
  EXPECT_EQ(found["runs"][2]["system_calls"], (json{{"splice", 10}}));
  EXPECT_EQ(found["runs"][2]["counts"]["mode_switches"], 20);
}

TEST_F(Native, TheMedianIsTheMiddleOfTheRepetitions) {
  const json run = results(scenario(kSmall, "splice") + " --repetitions 5")["runs"][0];
  for (const char* quantity : {"elapsed_ns", "cpu_ns"}) {
    std::vector<double> values = run["repetitions"][quantity]["values"];
    std::sort(values.begin(), values.end());
    EXPECT_EQ(run["time"][quantity], values[2]) << quantity;
  }
  EXPECT_EQ(run["time"]["cpu_user_ns"].get<double>() + run["time"]["cpu_kernel_ns"].get<double>(),
            run["time"]["cpu_ns"].get<double>());
}

TEST_F(Native, RunsEveryPointOfTheGridInTheOrderOfTheSimulation) {
  const json found =
      results(scenario(kSmall, "sendfile_gather, splice",
                       "vary: { workload.file.size: [8 KiB, 64 KiB], workload.chunk: [4 KiB, 16 KiB] }\n") +
              " --repetitions 1 --warm-up 0");
  std::vector<std::string> points;
  for (const json& run : found["runs"]) points.push_back(run["point"].dump() + run["strategy"].get<std::string>());
  ASSERT_EQ(points.size(), 8U);
  EXPECT_EQ(points[1], R"({"workload.chunk":"4 KiB","workload.file.size":"8 KiB"}splice)");
  EXPECT_EQ(points[6], R"({"workload.chunk":"16 KiB","workload.file.size":"64 KiB"}sendfile_gather)");
  EXPECT_EQ(found["runs"][6]["system_calls"]["sendfile"], 4);
}

TEST_F(Native, AColdFileIsReadFromItsMedium) {
  const Outcome outcome = run(scenario("file: { size: 1 MiB }, page_cache: cold", "read_write") + " --repetitions 1");
  if (outcome.status == 2) {
    EXPECT_THAT(outcome.err, HasSubstr("cannot be cold"));
    GTEST_SKIP() << "a temporary folder in memory";
  }
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("page cache cold"));
}

TEST_F(Native, SendsManyFilesAndFilesOfTheHost) {
  const json many = results(scenario("files: { count: 30, size: 5 KiB }", "sendfile_gather") + " --verify");
  EXPECT_EQ(many["runs"][0]["delivered"]["bytes"], 30 * 5120);
  EXPECT_EQ(many["runs"][0]["system_calls"]["sendfile"], 30);
  m_folder.write("data", std::string(70'000, 'x'));
  const json own = results(scenario("file: { path: data }", "splice") + " --verify --repetitions 1");
  EXPECT_EQ(own["runs"][0]["delivered"]["bytes"], 70'000);
}

TEST_F(Native, TheTableSaysWhatWasMeasuredAndWhatWasNotPermitted) {
  const Outcome outcome = run(scenario(kSmall));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  for (const char* words :
       {"strategy", "CPU time", "ksoftirqd", "read x 5, write x 5", "splice x 10", "kernel's own counts"}) {
    EXPECT_THAT(outcome.out, HasSubstr(words));
  }
}

TEST_F(Native, RefusesWhatTheHostCannotDoWithOneLine) {
  expect_refused(scenario(kSmall, "sendfile"), "strategy sendfile is named for a network card that cannot gather");
  expect_refused(scenario(kSmall) + " --repetitions 0", "--repetitions");
  expect_refused(scenario(kSmall) + " --set workload.file.size=1TiB --set disk.capacity=8TiB", "");
  expect_refused("none.yaml", "none.yaml: No such file or directory");
  const std::string file = scenario(kSmall);
  const Outcome missing = sluice("native " + file + " --directory /no/such/place", m_folder.path(""));
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.err, HasSubstr("/no/such/place: ENOENT"));
}

TEST_F(Native, OneCoreIsNotEnoughForTwo) {
  const std::string file = scenario("file: { size: 4 KiB }, cpus: 2", "splice");
  const std::string errors = m_folder.path("stderr-of-taskset");
  const int status =
      std::system(("taskset -c 0 " + std::string{SLUICE_BINARY} + " native " + file + " 2>" + errors).c_str());
  EXPECT_EQ(WEXITSTATUS(status), 2);
  EXPECT_THAT(read_all(errors),
              HasSubstr("workload.cpus and workload.workers ask for 2 cores, and this process may use 1 only"));
}

TEST_F(Native, AnInterruptLeavesNoProcessAndNoFile) {
  const std::string work = m_folder.path("work");
  const std::string out = m_folder.path("out");
  for (const std::string& folder : {work, out}) std::filesystem::create_directory(folder);
  const std::string file = scenario(kSmall);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    // The results' temporary file is made before the first run: from then on any point may be hit.
    const Interrupted outcome = interrupt(
        {"native", file, "--repetitions", "1000", "--directory", work, "--json", out + "/results.json"},
        [&] { return !std::filesystem::is_empty(out); }, signal);
    EXPECT_TRUE(outcome.began);
    EXPECT_TRUE(WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == 130) << outcome.status;
    EXPECT_FALSE(outcome.children_left);
    EXPECT_TRUE(std::filesystem::is_empty(work));
    EXPECT_TRUE(std::filesystem::is_empty(out));
  }
}

}  // namespace
}  // namespace sluice::tests
