// SPDX-License-Identifier: Apache-2.0
// `sluice native` and `sluice crosscheck` with scenarios of Lua programs, from outside.
#include <csignal>
#include <filesystem>
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
using testing::IsEmpty;

const std::string kScenarios = SLUICE_SOURCE_DIR "/scenarios/";

class ProgramsOnThisHost : public testing::Test {
 protected:
  void SetUp() override {
    const Outcome outcome = run("native " + scenario("function main() end"));
    if (outcome.status == 2 && outcome.err.find("namespaces") != std::string::npos) GTEST_SKIP() << outcome.err;
  }
  std::string scenario(const std::string& program, const std::string& rest = "") {
    m_folder.write("p.lua", program);
    return m_folder.write("s.yaml",
                          "schema: sluice/1\nplatform: " + kScenarios +
                              "platforms/loopback.yaml\nprocesses: { main: { program: p.lua, run: main } }\n" + rest);
  }
  Outcome run(const std::string& arguments) {
    return sluice(arguments + " --repetitions 2 --warm-up 0 --directory " + m_folder.path(""), m_folder.path(""));
  }

  Folder m_folder;
};

TEST_F(ProgramsOnThisHost, NagleAndADelayedAcknowledgementCostFortyMilliseconds) {
  const Outcome outcome = run("native " + kScenarios + "nagle.yaml --set arguments.requests=5 --json -");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const json found = json::parse(outcome.out);
  const JsonSchema schema{json::parse(read_all(SLUICE_SOURCE_DIR "/tools/results/results.schema.json"))};
  EXPECT_THAT(schema.complaints(found), IsEmpty());
  for (const json& point : found["runs"]) {
    const double p50 = point["samples"]["answer_ns"]["p50"];
    if (point["point"]["arguments.cure"] == "none") {
      EXPECT_GT(p50, 36e6);
      EXPECT_LT(p50, 60e6);
    } else {
      EXPECT_LT(p50, 30e6) << point["point"];
    }
  }
}

TEST_F(ProgramsOnThisHost, ACrosscheckHoldsMeasuresAgainstEachOther) {
  const std::string program = R"(function main()
    local r, w = must(pipe())
    local b = memory(4096)
    fill(b, 1, 4096)
    measure("turns", function() for i = 1, 50 do must(write(w, b, 100)) must(read(r, b, 100)) end end)
    sample("three", 3)
    print("done")
  end)";
  const Outcome outcome = run("crosscheck " + scenario(program) + " --json -");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const json found = json::parse(outcome.out);
  const JsonSchema schema{json::parse(read_all(SLUICE_SOURCE_DIR "/tools/results/crosscheck.schema.json"))};
  EXPECT_THAT(schema.complaints(found), IsEmpty());
  ASSERT_EQ(found["cells"].size(), 1U);
  EXPECT_EQ(found["cells"][0]["strategy"], "turns");
  EXPECT_EQ(found["cells"][0]["counts"]["equal"], true) << found["cells"][0];
  EXPECT_TRUE(found["cells"][0].contains("cpu_ns"));
  EXPECT_EQ(found["samples"][0]["p50_error_percent"], 0);
  EXPECT_FALSE(found.contains("differences")) << found["differences"];
}

TEST_F(ProgramsOnThisHost, AProgramThatFailsFailsTheRun) {
  const Outcome outcome = run("native " + scenario("function main() check(false, 'never') store(8, 'x') end"));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.out, HasSubstr("does not hold: never"));
  EXPECT_THAT(outcome.out, HasSubstr("main ended with SIGSEGV"));
}

TEST_F(ProgramsOnThisHost, CtrlCLeavesNoProcessAndNoFolderBehind) {
  const std::string file = scenario("function main() while true do sleep(1000000) end end", "files: { page: 4 KiB }\n");
  const std::string directory = m_folder.path("runs");
  std::filesystem::create_directory(directory);
  const auto runs = [&] {
    for (const auto& entry : std::filesystem::directory_iterator{directory}) {
      if (std::filesystem::exists(entry.path() / "page")) return true;
    }
    return false;
  };
  const Interrupted outcome = interrupt({"native", file, "--directory", directory}, runs, SIGINT);
  EXPECT_TRUE(outcome.began);
  EXPECT_EQ(WEXITSTATUS(outcome.status), 130);
  EXPECT_FALSE(outcome.children_left);
  EXPECT_TRUE(std::filesystem::is_empty(directory));
}

}  // namespace
}  // namespace sluice::tests
