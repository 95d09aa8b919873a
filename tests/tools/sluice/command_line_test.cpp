// SPDX-License-Identifier: Apache-2.0
// The binary from outside: exit statuses, streams, files.
#include <algorithm>
#include <csignal>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "kernel_sim/programs/strategy.h"
#include "tests/tools/results/json_schema.h"
#include "tests/tools/scenario/support.h"
#include "tests/tools/sluice/process.h"
#include "tools/results/paths.h"
#include "tools/simulate/host_memory.h"

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

  /// Those that the article speaks of: the rows of its table.
  static std::vector<std::string> claimed_strategies() {
    std::vector<std::string> names;
    for (const kernel_sim::Strategy& strategy : kernel_sim::strategies()) {
      if (strategy.claim) names.emplace_back(strategy.name);
    }
    return names;
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

TEST_F(CommandLine, SaysItsVersionCommitAndSystemC) {
  const std::string text = run("--version").out;
  EXPECT_THAT(text, testing::MatchesRegex("sluice [0-9.]+, commit ([0-9a-f]+[+]?|unknown), SystemC .+"));
  EXPECT_THAT(text, HasSubstr(", SystemC "));
  for (const char* arguments : {"-V", "version", "check --version", "compare none.yaml -V"}) {
    EXPECT_EQ(run(arguments).out, text) << arguments;
  }
}

TEST_F(CommandLine, TheHelpOfACommandIsThatOfItsOption) {
  EXPECT_EQ(run("help").out, run("--help").out);
  for (const char* command : {"compare", "run", "check", "describe", "native", "calibrate", "crosscheck", "version"}) {
    EXPECT_THAT(run("help").out, HasSubstr(std::string{"\n  "} + command + " "));
    EXPECT_EQ(run(std::string{"help "} + command).out, run(std::string{command} + " --help").out) << command;
  }
  expect_refused("help compar", "there is no command 'compar'");
}

TEST_F(CommandLine, GlobalOptionsStandBeforeOrBehindTheCommand) {
  for (const char* arguments : {"-q check ", "check -q ", "--quiet check "}) {
    const Outcome outcome = run(arguments + kArticle);
    EXPECT_EQ(outcome.status, 0) << arguments << outcome.err;
    EXPECT_EQ(outcome.out, "") << arguments;
  }
}

TEST_F(CommandLine, AFullDiskUnderReceivedIsOneLineAndLeavesNoPartOfAFile) {
  const std::string received = m_folder.path("received");
  std::filesystem::create_directory(received);
  std::filesystem::create_symlink("/dev/full", received + "/read_write.part");
  expect_refused("compare " + kArticle + " --received " + received, "No space left on device");
  EXPECT_TRUE(std::filesystem::is_empty(received));
}

TEST_F(CommandLine, RefusesBadInputWithOneLineAndStatusTwo) {
  const std::string article = "compare " + kArticle;
  expect_refused("", "no command is given");
  expect_refused("compar " + kArticle, "did you mean 'compare'?");
  expect_refused("compare", "scenario is required");
  expect_refused("compare none.yaml", "none.yaml: No such file or directory");
  expect_refused("compare " + m_folder.path(""), "is a directory, not a file");
  expect_refused(article + " --bogus", "there is no option '--bogus' (sluice help compare lists them)");
  expect_refused(article + " --jsn out", "there is no option '--jsn'; did you mean '--json'?");
  expect_refused(article + " more", "(sluice help compare says more)");
  expect_refused(kArticle, "(sluice compare " + kArticle + " runs a scenario)");
  expect_refused(article + " --json \"\"", "--json: is empty");
  expect_refused(article + " --dump-config --json -", "--dump-config runs nothing that");
  expect_refused(article + " --set nic.rate=25", "missing unit");
  expect_refused(article + " --set nic.rate=-25Gbps", "negative");
  expect_refused(article + " --set nic.rate=25Gbps --set nic.rate=10Gbps", "nic.rate is set twice, first to 25Gbps");
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

TEST_F(CommandLine, SaysWhereAPlatformCannotBeRead) {
  const auto with_platform = [&](const std::string& platform) {
    return "check " + m_folder.write("s.yaml", "schema: sluice/1\nplatform: " + platform +
                                                   "\nworkload: { file: { size: 4 KiB } }\nstrategies: [splice]\n");
  };
  expect_refused(with_platform(std::string(300, 'x')), "s.yaml:2:11: platform: ");
  expect_refused(with_platform(std::string(300, 'x')), "File name too long");
  expect_refused(with_platform("."), "s.yaml:2:11: platform: ");
  expect_refused(with_platform("."), "is not a regular file");
  expect_refused(with_platform("none.yaml"), "s.yaml:2:11: platform: there is no file ");
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

TEST_F(CommandLine, DumpsTheEffectiveConfiguration) {
  const Outcome outcome = run("compare " + kArticle + " --dump-config --set nic.rate=7Gbps");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, HasSubstr("strategies: [read_write, mmap_write, sendfile, sendfile_gather, splice]"));
  EXPECT_THAT(outcome.out, HasSubstr("rate: { value: 7 Gbps"));
}

TEST_F(CommandLine, ComparesTheArticlesStrategies) {
  const Outcome outcome = run("compare " + kArticle);
  EXPECT_EQ(outcome.status, 0) << outcome.err << outcome.out;
  EXPECT_EQ(outcome.err, "");
  for (const std::string& strategy : claimed_strategies()) {
    EXPECT_THAT(outcome.out, HasSubstr("\n" + strategy + " "));
  }
  EXPECT_THAT(outcome.out, HasSubstr("every byte goes through a pipe"));
  EXPECT_THAT(outcome.out, HasSubstr("\nsendfile (no gather) "));
}

TEST_F(CommandLine, PrintsTheTableOfTheReadme) {
  const std::string readme = read_all(SLUICE_SOURCE_DIR "/README.md");
  const auto begin = readme.find("The article's table");
  ASSERT_NE(begin, std::string::npos);
  std::istringstream shown{readme.substr(begin, readme.find("```", begin) - begin)};
  std::istringstream printed{run("compare " + kArticle).out};
  // Names and counts, which end in column 96; how long it takes is for the parameters to say.
  const auto compared = [](std::istream& lines) {
    std::vector<std::string> kept;
    for (std::string line; std::getline(lines, line);) kept.push_back(line.substr(0, 96));
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

TEST_F(CommandLine, TheNumberOfJobsChangesNoResult) {
  json one = results("run " + kArticle + " --jobs 1");
  json many = results("run " + kArticle + " --jobs 7");
  for (json* all : {&one, &many}) {
    for (json& run : (*all)["runs"]) run.erase("simulator");
  }
  EXPECT_EQ(one, many);
}

TEST_F(CommandLine, WallTimeIsTheWholeRunAndItsPhasesLieWithin) {
  const std::string scenario = m_folder.write(
      "s.yaml", "schema: sluice/1\nplatform: " SLUICE_SOURCE_DIR
                "/scenarios/platforms/server-2020.yaml\n"
                "workload: { file: { size: 8 MiB }, page_cache: warm }\nstrategies: [read_write, sendfile]\n");
  const json all = results("run " + scenario);
  for (const json& run : all["runs"]) {
    const json& simulator = run["simulator"];
    double phases = 0;
    for (const char* phase : {"set_up_s", "warming_s", "simulation_s", "verification_s"}) {
      EXPECT_GT(simulator["phases"].at(phase).get<double>(), 0) << phase;
      phases += simulator["phases"].at(phase).get<double>();
    }
    EXPECT_LT(phases, simulator["wall_s"].get<double>()) << "fork and end of the process belong to it as well";
  }
}

TEST_F(CommandLine, TheDigestOfWhatWasSentIsThatOfTheFile) {
  const std::string file = m_folder.write("abc", "abc");
  const json all = results("run " + kArticle + " --file " + file + " --set workload.chunk=4KiB");
  ASSERT_EQ(all["runs"].size(), 5U);
  for (const json& run : all["runs"]) {
    EXPECT_EQ(run["delivered"]["sha256"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }
}

TEST_F(CommandLine, KeepsWhatThePeerReceived) {
  const std::string file = m_folder.write("data", std::string(5000, 'a') + std::string(3, '\0') + "end");
  const Outcome outcome = run("compare " + kArticle + " -q --file " + file + " --received " + m_folder.path("got"));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  for (const std::string& strategy : claimed_strategies()) {
    EXPECT_EQ(read_all(m_folder.path("got/" + strategy)), read_all(file)) << strategy;
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

TEST_F(CommandLine, AWhatIfIsNoFailure) {
  const Outcome outcome = run("compare " + kArticle + " --set nic.gather=false");
  EXPECT_EQ(outcome.status, 0) << outcome.out;
  EXPECT_THAT(outcome.out, HasSubstr("DIFFERS read_write: copies.cpu is 3, the scenario expects 2; you set "
                                     "nic.gather=false"));
  EXPECT_THAT(outcome.out, testing::Not(HasSubstr("FAILED")));
  const json found = results("run " + kArticle + " --set nic.gather=false");
  EXPECT_EQ(found["runs"][0]["expectations"][1]["differs_because"], "nic.gather=false");
}

TEST_F(CommandLine, TimeAndCpuEndWithTheLastByteAndNotWithTheProcess) {
  const json with = results("compare " + kArticle).at("runs");
  const json without = results("compare " + kArticle + " --set kernel.syscall.end_process=0s").at("runs");
  for (std::size_t i = 0; i < with.size(); ++i) {
    for (const char* group : {"time", "bound", "utilisation"}) {
      EXPECT_EQ(with[i].at(group), without[i].at(group)) << with[i].at("strategy");
    }
  }
}

TEST_F(CommandLine, WhatIsNotBusyIsNotSaidToLimit) {
  for (const json& run : results("compare " + kArticle).at("runs")) {
    EXPECT_THAT(run.at("limited_by").get<std::string>(), testing::StartsWith("latency: ")) << run.at("strategy");
  }
}

TEST_F(CommandLine, AColdFileOverLoopbackIsSaidToHaveComeFromTheDisk) {
  const std::string scenario =
      m_folder.write("s.yaml", "schema: sluice/1\nplatform: " SLUICE_SOURCE_DIR
                               "/scenarios/platforms/loopback.yaml\nworkload: { file: { size: 1 MiB }, page_cache: "
                               "cold, cpus: 1 }\nstrategies: [read_write]\n");
  const std::string out = run("compare " + scenario).out;
  EXPECT_THAT(out, HasSubstr("no byte went to a network card"));
  EXPECT_THAT(out, testing::Not(HasSubstr("no byte came from the disk")));
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
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU}) {
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
  const std::string article = kArticle;
  for (const std::string& arguments :
       {"compare " + article, "compare " + article + " --json -", "compare " + article + " --dump-config",
        "run " + article, "check " + article, std::string{"describe"}, std::string{"--help"}, std::string{"--version"},
        std::string{"help run"}, std::string{"version"}}) {
    expect_refused(arguments + " >/dev/full", "standard output cannot be written: No space left on device");
  }
  expect_refused("check " + article + " >&-", "standard output cannot be written: Bad file descriptor");
}

TEST_F(CommandLine, AFileIsNotWrittenInPlaceOfAClosedStream) {
  // The file would be given the number of standard output, and the table would follow the results into it.
  EXPECT_EQ(run("compare " + kArticle + " --json " + m_folder.path("out.json") + " >&-").status, 2);
  EXPECT_TRUE(json::accept(read_all(m_folder.path("out.json"))));
}

TEST_F(CommandLine, AMessageThatCannotBeWrittenIsAnExitStatus) {
  EXPECT_EQ(std::system((std::string{SLUICE_BINARY} + " compare " + kArticle + " -q --strace 2>/dev/full").c_str()),
            2 << 8);
}

/// A scenario of one small run beside its own platform and payload.
class Outputs : public CommandLine {
 protected:
  Outputs() {
    std::filesystem::copy_file(SLUICE_SOURCE_DIR "/scenarios/platforms/server-2020.yaml", m_folder.path("p.yaml"));
    std::filesystem::create_directory(m_folder.path("splice.d"));
    write_scenario("s.yaml", "path: data");
    m_folder.write("data", "data");
  }
  std::string write_scenario(const std::string& name, const std::string& file) {
    return m_folder.write(
        name, "schema: sluice/1\nplatform: p.yaml\nworkload: { file: { " + file + " } }\nstrategies: [splice]\n");
  }
  std::string contents() {
    std::string all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{m_folder.path("")}) {
      if (entry.is_regular_file()) all += entry.path().string() + "\n" + read_all(entry.path());
    }
    return all;
  }
  void expect_refused_and_unchanged(const std::string& arguments, const std::string& words) {
    const std::string before = contents();
    expect_refused(arguments, words);
    EXPECT_EQ(contents(), before) << arguments;
  }
  const std::string m_compare = "compare " + m_folder.path("s.yaml");
};

TEST_F(Outputs, DoNotTakeThePlaceOfAnInput) {
  for (const char* option : {" --json ", " --graph "}) {
    expect_refused_and_unchanged(m_compare + option + m_folder.path("./s.yaml"), "is the scenario, which is read");
    expect_refused_and_unchanged(m_compare + option + m_folder.path("p.yaml"), "is the platform, which is read");
    expect_refused_and_unchanged(m_compare + option + m_folder.path("data"), "is the file to send, which is read");
  }
  std::filesystem::create_hard_link(m_folder.path("p.yaml"), m_folder.path("other-name"));
  expect_refused_and_unchanged(m_compare + " --json " + m_folder.path("other-name"), "is the platform, which is read");
  expect_refused_and_unchanged("native " + m_folder.path("s.yaml") + " --json " + m_folder.path("p.yaml"),
                               "is the platform, which is read");
}

TEST_F(Outputs, ReceivedFilesDoNotTakeThePlaceOfAnInputEither) {
  const std::string scenario = write_scenario("splice", "size: 4 KiB");
  expect_refused_and_unchanged("compare " + scenario + " --received " + m_folder.path(""),
                               "is the scenario, which is read");
  std::filesystem::rename(scenario, m_folder.path("splice.part"));
  expect_refused_and_unchanged("compare " + m_folder.path("splice.part") + " --received " + m_folder.path(""),
                               "is the scenario, which is read");
}

TEST_F(Outputs, DoNotTakeEachOthersPlace) {
  const std::string out = m_folder.path("out");
  expect_refused_and_unchanged(m_compare + " --json " + out + " --graph " + out, "--json and --graph: both are");
  expect_refused_and_unchanged(m_compare + " --received " + m_folder.path("") + " --json " + m_folder.path("splice"),
                               "--json and --received: both are");
  const std::string file = m_folder.write("out", "");
  expect_refused(m_compare + " --json " + out + " >" + out, "--json and standard output: both are");
}

TEST_F(Outputs, AFolderIsNoFileToReceiveInto) {
  std::filesystem::create_directory(m_folder.path("splice"));
  expect_refused_and_unchanged(m_compare + " --received " + m_folder.path(""),
                               "splice: cannot be written: Is a directory");
}

TEST_F(Outputs, AFileThatMayNotGrowIsALineAndLeavesNoPart) {
  const std::string limited = "bash -c 'ulimit -f 1; exec " + std::string{SLUICE_BINARY} + " compare " + kArticle;
  const std::string err = m_folder.path("err");
  const std::string end = " --json " + m_folder.path("j") + " --graph " + m_folder.path("g") + "' 2>" + err;
  EXPECT_EQ(std::system((limited + end).c_str()), 2 << 8);
  EXPECT_EQ(read_all(err), "sluice: " + m_folder.path("j") + ": cannot be written: File too large\n");
  EXPECT_EQ(std::system((limited + " --received " + m_folder.path("got") + "' 2>" + err).c_str()), 2 << 8);
  EXPECT_THAT(read_all(err), HasSubstr("File too large"));
  EXPECT_THAT(files(), testing::ElementsAre("data", "err", "got", "p.yaml", "s.yaml", "splice.d"));
  EXPECT_TRUE(std::filesystem::is_empty(m_folder.path("got")));
}

TEST_F(Outputs, APipeIsOpenedWhenThereIsSomethingToWrite) {
  const std::string pipe = m_folder.path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const std::string got = m_folder.path("got");
  const std::string reader = "(sleep 0.5; cat " + pipe + " >" + got + ") & ";
  EXPECT_EQ(
      std::system((reader + SLUICE_BINARY + " " + m_compare + " -q --json " + pipe + "; s=$?; wait; exit $s").c_str()),
      0);
  EXPECT_TRUE(json::accept(read_all(got)));
}

TEST_F(Outputs, AnInterruptEndsTheWaitForAPipesReader) {
  const std::string pipe = m_folder.path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const std::string received = m_folder.path("got/splice");
  const Interrupted outcome = interrupt(
      {"compare", m_folder.path("s.yaml"), "--json", pipe, "--received", m_folder.path("got")}, received, SIGINT);
  EXPECT_TRUE(outcome.began);
  EXPECT_TRUE(WIFEXITED(outcome.status)) << "died of signal " << WTERMSIG(outcome.status);
  EXPECT_EQ(WEXITSTATUS(outcome.status), 130);
}

TEST_F(Outputs, WhatThisHostRefusesIsOneLineAndStatusTwo) {
  // With three files ld.so cannot load a library. What this test inherited from who runs it does not count.
  for (int limit = 4; limit <= 8; ++limit) {
    const std::string err = m_folder.path("err");
    const int status =
        std::system(fmt::format("bash -c 'exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; ulimit -n {}; "
                                "exec {} {} --json {}' >{} 2>{}",
                                limit, SLUICE_BINARY, m_compare, m_folder.path("j"), m_folder.path("out"), err)
                        .c_str());
    if (status == 0) continue;
    EXPECT_EQ(status, 2 << 8) << limit;
    const std::string line = read_all(err);
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << limit << ": " << line;
    EXPECT_THAT(line, HasSubstr("Too many open files")) << limit;
  }
}

TEST_F(CommandLine, ControlCharactersDoNotReachTheTerminal) {
  const std::string escape = "\x1b[31m";
  const auto expect_escaped = [&](const std::string& arguments, const std::string& words) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ((outcome.out + outcome.err).find('\x1b'), std::string::npos) << arguments;
    EXPECT_THAT(outcome.out + outcome.err, HasSubstr(words)) << arguments;
  };
  expect_escaped("check 'no" + escape + ".yaml'", "no\\x1b[31m.yaml");
  expect_escaped("check 'no\n.yaml'", "no\\n.yaml");
  expect_escaped("check " + kArticle + " --set 'cpu.latency_l" + escape + "=1'", "cpu.latency_l\\x1b[31m");
  expect_escaped("'" + escape + "'", "\\x1b[31m");
  const std::string scenario = m_folder.write(
      "s.yaml", "schema: sluice/1\ndescription: \"\\e[31mred\\x9b\"\nplatform: " SLUICE_SOURCE_DIR
                "/scenarios/platforms/server-2020.yaml\nworkload: { file: { size: 4 KiB } }\nstrategies: [splice]\n");
  expect_escaped("compare " + scenario, "\\x1b[31mred\\u009b");
  expect_escaped("run " + scenario + " --strace", "\\x1b[31mred");
}

TEST_F(CommandLine, ADumpedScenarioCanBeCheckedAndRun) {
  for (const std::string& arguments :
       {kArticle + " --set nic.rate=7Gbps", kArticle + " --set nic.gather=true",
        std::string{SLUICE_SOURCE_DIR "/scenarios/large-file.yaml"} + " --set workload.file.size=128KiB"}) {
    const std::string dumped = m_folder.write("dump.yaml", run("compare " + arguments + " --dump-config").out);
    EXPECT_EQ(run("check " + dumped).status, 0) << arguments;
    const auto runs_of = [&](const std::string& scenario) {
      json runs = json::parse(run("compare " + scenario + " --json -").out).at("runs");
      for (json& one : runs) {
        for (const char* key : {"simulator", "settings", "expectations"}) one.erase(key);
      }
      return runs.dump();
    };
    EXPECT_EQ(runs_of(dumped), runs_of(arguments)) << arguments;
  }
}

TEST_F(CommandLine, ARunThatThisHostHasNoMemoryForIsRefusedBefore) {
  expect_refused("compare " + kArticle +
                     " --set workload.file.size=1TiB --set disk.capacity=8TiB --set memory.size=1TiB"
                     " --set nic.checksum_offload=false",
                 "of this host's memory, of which");
}

/// The estimate is neither so low that a run dies of it nor so high that it refuses what would work.
TEST_F(CommandLine, WhatARunHoldsIsWhatIsAskedOfTheHost) {
  const std::string head = "schema: sluice/1\nplatform: " SLUICE_SOURCE_DIR "/scenarios/platforms/server-2020.yaml\n";
  for (const char* rest : {"workload: { file: { size: 64 KiB } }\nstrategies: [splice]\n",
                           "workload: { file: { size: 256 MiB }, page_cache: warm }\nstrategies: [sendfile_gather]\n",
                           "workload: { file: { size: 32 MiB } }\nwith: { nic.checksum_offload: false }\n"
                           "strategies: [sendfile_gather]\n",
                           "workload: { files: { count: 5000, size: 4 KiB } }\nstrategies: [read_write]\n"}) {
    const std::string path = m_folder.write("s.yaml", head + rest);
    const Bytes held = results("compare " + path).at("runs").at(0).at("simulator").at("peak_rss_bytes");
    const Bytes asked = simulate::memory_needed(scenario::load_scenario(path, {}).plans.front());
    EXPECT_GT(asked, held * 3 / 4) << rest;
    EXPECT_LT(asked, held * 3 / 2) << rest;
  }
}

TEST_F(CommandLine, EveryValueOfTheResultsCanBeExpected) {
  for (const json& run : results("compare " + kArticle).at("runs")) {
    for (const auto& [group, values] : run.items()) {
      if (group == "strategy" || group == "kernel" || group == "failures" || group == "expectations" ||
          group == "simulator") {
        continue;
      }
      if (!values.is_object()) {
        EXPECT_TRUE(results::is_result_path(group)) << group;
        continue;
      }
      for (const auto& [key, value] : values.items()) {
        EXPECT_TRUE(results::is_result_path(group + "." + key)) << group << "." << key;
      }
    }
  }
}

}  // namespace
}  // namespace sluice::tests
