// SPDX-License-Identifier: Apache-2.0
// The binary from outside: exit statuses, streams, files.
#include <algorithm>
#include <csignal>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/tools/report/json_schema.h"
#include "tests/tools/scenario/support.h"
#include "tests/tools/sluice/process.h"
#include "tools/scenario/expectation.h"

namespace sluice::tests {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kArticle = SLUICE_SOURCE_DIR "/scenarios/article.yaml";

class CommandLine : public testing::Test {
 protected:
  Outcome run(const std::string& arguments) { return sluice(arguments, m_folder.path("")); }
  json results(const std::string& arguments) {
    const Outcome outcome = run(arguments + " --json -");
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return json::parse(outcome.out);
  }
  std::vector<std::string> files() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{m_folder.path("")}) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  /// One line on standard error, nothing on standard output, status 2.
  void expect_refused(const std::string& arguments, const std::string& words) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 2) << arguments;
    EXPECT_EQ(outcome.out, "") << arguments;
    EXPECT_THAT(outcome.err, HasSubstr(words)) << arguments;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  }

  Folder m_folder;
};

TEST_F(CommandLine, HelpsOnEveryLevel) {
  for (const char* arguments : {"--help", "compare --help", "run --help", "check --help", "describe --help"}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.status, 0) << arguments;
    EXPECT_THAT(outcome.out, HasSubstr("Usage: sluice")) << arguments;
    EXPECT_THAT(outcome.out, HasSubstr("exit status")) << arguments;
  }
}

TEST_F(CommandLine, SaysItsVersion) { EXPECT_THAT(run("--version").out, testing::StartsWith("sluice ")); }

TEST_F(CommandLine, AFullDiskUnderReceivedIsOneLineAndLeavesNoPartOfAFile) {
  const std::string received = m_folder.path("received");
  std::filesystem::create_directory(received);
  std::filesystem::create_symlink("/dev/full", received + "/read_write.part");
  expect_refused("compare " + kArticle + " --received " + received, "No space left on device");
  EXPECT_TRUE(std::filesystem::is_empty(received));
}

TEST_F(CommandLine, RefusesBadInputWithOneLineAndStatusTwo) {
  const std::string article = "compare " + kArticle;
  expect_refused("", "A subcommand is required");
  expect_refused("compar " + kArticle, "did you mean 'compare'?");
  expect_refused("compare", "scenario is required");
  expect_refused("compare none.yaml", "none.yaml: No such file or directory");
  expect_refused("compare " + m_folder.path(""), "is a directory, not a file");
  expect_refused(article + " --bogus", "--bogus");
  expect_refused(article + " --json \"\"", "--json: is empty");
  expect_refused(article + " --dump-config --json -", "--dump-config runs nothing that");
  expect_refused(article + " --set nic.rate=25", "missing unit");
  expect_refused(article + " --set nic.rate=-25Gbps", "negative");
  expect_refused(article + " --set nic.rate=25000000000000000000000Gbps", "too large");
  expect_refused(article + " --set nic.rat=25Gbps", "did you mean 'nic.rate'?");
  expect_refused(article + " --file none", "--file: none: No such file or directory");
  expect_refused(article + " --file " + m_folder.path(""), "is a directory");
  expect_refused(article + " --json " + m_folder.path("none/out"), "cannot be written");
  expect_refused(article + " --graph " + m_folder.path(""), "cannot be written");
  expect_refused(article + " --received " + kArticle, "no directory that can be written to");
  expect_refused(article + " --set workload.page_cache=warm --set workload.file.size=64GiB", "do not fit in");
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(CommandLine, RefusesAHugeScenarioQuickly) {
  expect_refused("check " + m_folder.write("s.yaml", std::string(100U << 20, '[')), "larger than 1 MiB");
}

TEST_F(CommandLine, ChecksWithoutRunning) {
  const Outcome outcome = run("check " + kArticle);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, kArticle + ": 5 runs, nothing wrong\n");
}

TEST_F(CommandLine, DescribesDefaultsAndScenarios) {
  EXPECT_THAT(run("describe").out, HasSubstr("nic.rate = 25 Gbps\n"));
  EXPECT_THAT(run("describe " + kArticle + " --set nic.rate=7Gbps").out, HasSubstr("nic.rate = 7 Gbps\n"));
}

TEST_F(CommandLine, DumpsTheEffectiveConfigurationOfEachRun) {
  const Outcome outcome = run("compare " + kArticle + " --dump-config --set nic.rate=7Gbps");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, HasSubstr("strategies: [sendfile_gather]"));
  EXPECT_THAT(outcome.out, HasSubstr("rate: { value: 7 Gbps"));
}

TEST_F(CommandLine, ComparesTheArticlesStrategies) {
  const Outcome outcome = run("compare " + kArticle);
  EXPECT_EQ(outcome.status, 0) << outcome.err << outcome.out;
  EXPECT_EQ(outcome.err, "");
  for (const char* strategy : {"read_write", "mmap_write", "sendfile", "sendfile_gather", "splice"}) {
    EXPECT_THAT(outcome.out, HasSubstr(std::string{"\n"} + strategy + " "));
  }
  EXPECT_THAT(outcome.out, HasSubstr("on Linux splice needs two"));
}

TEST_F(CommandLine, PrintsTheTableOfTheReadme) {
  const std::string readme = read_all(SLUICE_SOURCE_DIR "/README.md");
  const auto begin = readme.find("The article's table");
  ASSERT_NE(begin, std::string::npos);
  std::istringstream shown{readme.substr(begin, readme.find("```", begin) - begin)};
  std::istringstream printed{run("compare " + kArticle).out};
  // Names and counts, which end in column 66; how long it takes is for the parameters to say.
  const auto compared = [](std::istream& lines) {
    std::vector<std::string> kept;
    for (std::string line; std::getline(lines, line);) kept.push_back(line.substr(0, 66));
    return kept;
  };
  EXPECT_EQ(compared(printed), compared(shown));
}

TEST_F(CommandLine, CountsWhatTheArticleCounts) {
  const json runs = results("compare " + kArticle).at("runs");
  std::vector<int> switches;
  std::vector<double> cpu;
  std::vector<double> dma;
  for (const json& run : runs) {
    switches.push_back(run.at("counts").at("mode_switches"));
    cpu.push_back(run.at("copies").at("cpu"));
    dma.push_back(run.at("copies").at("dma"));
    EXPECT_TRUE(run.at("delivered").at("intact").get<bool>());
  }
  EXPECT_THAT(switches, testing::ElementsAre(4, 4, 2, 2, 4));
  EXPECT_THAT(cpu, testing::ElementsAre(2, 1, 1, 0, 0));
  EXPECT_THAT(dma, testing::ElementsAre(2, 2, 2, 2, 2));
}

TEST_F(CommandLine, WritesResultsThatFollowTheirSchema) {
  const JsonSchema schema{json::parse(read_all(SLUICE_SOURCE_DIR "/tools/results/results.schema.json"))};
  EXPECT_THAT(schema.complaints(results("compare " + kArticle)), IsEmpty());
}

TEST_F(CommandLine, TwoRunsGiveTheSameResults) {
  json first = results("compare " + kArticle);
  json second = results("compare " + kArticle);
  for (json* all : {&first, &second}) {
    for (json& run : all->at("runs")) run.erase("simulator");
  }
  EXPECT_EQ(first.dump(), second.dump());
}

TEST_F(CommandLine, KeepsWhatThePeerReceived) {
  const std::string file = m_folder.write("data", std::string(5000, 'a') + std::string(3, '\0') + "end");
  const Outcome outcome = run("compare " + kArticle + " -q --file " + file + " --received " + m_folder.path("got"));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  for (const char* strategy : {"read_write", "mmap_write", "sendfile", "sendfile_gather", "splice"}) {
    EXPECT_EQ(read_all(m_folder.path(std::string{"got/"} + strategy)), read_all(file)) << strategy;
  }
}

TEST_F(CommandLine, AMissedExpectationIsStatusOne) {
  const std::string scenario =
      m_folder.write("s.yaml", "schema: sluice/1\nplatform: " SLUICE_SOURCE_DIR
                               "/scenarios/platforms/server-2020.yaml\nworkload: { file: { size: 4 KiB } }\n"
                               "strategies: [sendfile_gather]\nexpect: { sendfile_gather: { copies.cpu: 1 } }\n");
  const Outcome outcome = run("compare " + scenario);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.out, HasSubstr("FAILED sendfile_gather: copies.cpu is 0, expected 1"));
}

TEST_F(CommandLine, ATimeOutIsStatusOne) {
  const Outcome outcome =
      run("compare " + kArticle + " -q --timeout 1 --set workload.file.size=1TiB --set disk.capacity=8TiB");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("did not end within 1 s"));
}

TEST_F(CommandLine, DrawsTheDataFlow) {
  EXPECT_EQ(run("compare " + kArticle + " -q --graph " + m_folder.path("flow.dot")).status, 0);
  const std::string text = read_all(m_folder.path("flow.dot"));
  EXPECT_THAT(text, HasSubstr("subgraph cluster_4_splice {"));
  EXPECT_THAT(text, HasSubstr("style=dashed"));
  EXPECT_EQ(std::system(("dot -Tsvg " + m_folder.path("flow.dot") + " -o " + m_folder.path("flow.svg")).c_str()), 0);
}

TEST_F(CommandLine, TracesSystemCalls) {
  const Outcome outcome = run("compare " + kArticle + " -q --strace");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, testing::ContainsRegex("sendfile\\([^\n]*\\) = 65536 <"));
}

TEST_F(CommandLine, AnInterruptLeavesNothingBehind) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    // Far longer than the signal takes to come; it is sent when the first run has begun.
    const Interrupted outcome =
        interrupt({"compare", kArticle, "--set", "workload.file.size=1TiB", "--set", "disk.capacity=8TiB", "--json",
                   m_folder.path("out.json"), "--graph", m_folder.path("flow.dot"), "--received", m_folder.path("got")},
                  m_folder.path("got/read_write.part"), signal);
    EXPECT_TRUE(outcome.began);
    EXPECT_TRUE(WIFEXITED(outcome.status)) << "died of signal " << WTERMSIG(outcome.status);
    EXPECT_EQ(WEXITSTATUS(outcome.status), 130);
    EXPECT_FALSE(outcome.children_left);
    EXPECT_THAT(files(), testing::ElementsAre("got"));
    EXPECT_TRUE(std::filesystem::is_empty(m_folder.path("got")));
  }
}

TEST_F(CommandLine, AnInterruptedCalibrationLeavesNothing) {
  // Its file is begun, under another name, before anything is measured.
  const std::string out = m_folder.path("host.yaml");
  for (const int signal : {SIGINT, SIGTERM}) {
    const Interrupted outcome = interrupt(
        {"calibrate", "--out", out, "--quiet"}, [&] { return !files().empty(); }, signal);
    EXPECT_TRUE(outcome.began);
    EXPECT_TRUE(WIFEXITED(outcome.status)) << "died of signal " << WTERMSIG(outcome.status);
    EXPECT_EQ(WEXITSTATUS(outcome.status), 130);
    EXPECT_FALSE(outcome.children_left);
    EXPECT_THAT(files(), testing::IsEmpty());
  }
}

TEST_F(CommandLine, ACalibrationThatCannotBeWrittenIsRefusedBeforeItIsMade) {
  const Outcome no_folder = sluice("calibrate --out " + m_folder.path("none/host.yaml"), m_folder.path(""));
  EXPECT_EQ(no_folder.status, 2);
  EXPECT_THAT(no_folder.err, testing::HasSubstr("cannot be written"));
  const Outcome no_room =
      sluice("calibrate --out " + m_folder.path("host.yaml") + " --folder /proc", m_folder.path(""));
  EXPECT_EQ(no_room.status, 2);
  EXPECT_THAT(no_room.err, testing::HasSubstr("/proc: "));
  EXPECT_THAT(files(), testing::IsEmpty());
}

TEST_F(CommandLine, AReaderThatHasSeenEnoughIsNoMistake) {
  const std::string command = std::string{"set -o pipefail; { sleep 0.2; "} + SLUICE_BINARY + " describe 2>" +
                              m_folder.path("err") + "; } | true";
  EXPECT_EQ(std::system(("bash -c '" + command + "'").c_str()), 0);
  EXPECT_EQ(read_all(m_folder.path("err")), "");
}

TEST_F(CommandLine, StandardOutputThatCannotBeWrittenIsSaid) {
  expect_refused("compare " + kArticle + " >/dev/full", "standard output cannot be written: No space left on device");
}

TEST_F(CommandLine, ResultsTakeNeitherTheInputsPlaceNorEachOthers) {
  const std::string text = "schema: sluice/1\nplatform: " SLUICE_SOURCE_DIR
                           "/scenarios/platforms/server-2020.yaml\nworkload: { file: { size: 4 KiB } }\n"
                           "strategies: [splice]\n";
  const std::string scenario = m_folder.write("s.yaml", text);
  const std::string data = m_folder.write("data", "data");
  expect_refused("compare " + scenario + " --json " + m_folder.path("./s.yaml"), "is what is read");
  expect_refused("compare " + scenario + " --file " + data + " --graph " + data, "is what is read");
  expect_refused("compare " + scenario + " --json " + m_folder.path("out") + " --graph " + m_folder.path("out"),
                 "--json and --graph: both are");
  EXPECT_EQ(read_all(scenario), text);
  EXPECT_THAT(files(), testing::ElementsAre("data", "s.yaml"));
}

TEST_F(CommandLine, ADumpedRunCanBeRun) {
  const std::string scenario =
      m_folder.write("s.yaml", "schema: sluice/1\nplatform: " SLUICE_SOURCE_DIR
                               "/scenarios/platforms/server-2020.yaml\nworkload: { file: { size: 4 KiB } }\n"
                               "strategies: [sendfile]\n");
  const Outcome dumped = run("compare " + scenario + " --dump-config --set nic.rate=7Gbps");
  json first = results("compare " + scenario + " --set nic.rate=7Gbps").at("runs").at(0);
  json again = results("compare " + m_folder.write("dump.yaml", dumped.out)).at("runs").at(0);
  for (json* one : {&first, &again}) {
    one->erase("simulator");
    one->erase("settings");
  }
  EXPECT_EQ(again.dump(), first.dump());
}

TEST_F(CommandLine, EveryValueOfTheResultsCanBeExpected) {
  for (const json& run : results("compare " + kArticle).at("runs")) {
    for (const auto& [group, values] : run.items()) {
      if (group == "strategy" || group == "kernel" || group == "failures" || group == "expectations" ||
          group == "simulator") {
        continue;
      }
      if (!values.is_object()) {
        EXPECT_TRUE(scenario::is_result_path(group)) << group;
        continue;
      }
      for (const auto& [key, value] : values.items()) {
        EXPECT_TRUE(scenario::is_result_path(group + "." + key)) << group << "." << key;
      }
    }
  }
}

}  // namespace
}  // namespace sluice::tests
