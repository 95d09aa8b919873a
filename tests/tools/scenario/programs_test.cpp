// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/scenario/support.h"
#include "tools/scenario/dump.h"

namespace sluice::tests {
namespace {

using scenario::CommandLine;
using scenario::load_scenario;
using scenario::Scenario;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

constexpr const char* kProgram = "function server(a) return a.requests end\nfunction client(a) return a.more end\n";

class ProgramScenarios : public testing::Test {
 protected:
  ProgramScenarios() {
    m_folder.write("platform.yaml", "schema: sluice.platform/1\nwithout: [nic]\ncpu: { cores: 2 }\n");
    m_folder.write("p.lua", kProgram);
  }
  Scenario load(const std::string& text, const CommandLine& command_line = {}) {
    return load_scenario(m_folder.write("s.yaml", "schema: sluice/1\nplatform: platform.yaml\n" + text), command_line);
  }
  std::string refusal(const std::string& text, const CommandLine& command_line = {}) {
    try {
      load(text, command_line);
    } catch (const base::InputError& error) {
      std::string message = error.what();
      for (auto at = message.find(m_folder.path("")); at != std::string::npos; at = message.find(m_folder.path(""))) {
        message.erase(at, m_folder.path("").size());
      }
      return message;
    }
    return "";
  }
  Folder m_folder;
};

constexpr const char* kTwo =
    "files: { page: 1 KiB, log: { size: 1 MiB, cached: 25 %, seed: 3 } }\n"
    "processes:\n"
    "  server: { program: p.lua, run: server, cores: [0] }\n"
    "  load: { program: p.lua, run: client, copies: 3, cores: [0, 1], class: batch, start: 2 ms }\n"
    "arguments: { requests: 20, more: false }\n";

TEST_F(ProgramScenarios, AreReadWithFilesProcessesAndArguments) {
  const Scenario scenario = load(kTwo);
  ASSERT_THAT(scenario.plans, SizeIs(1));
  const scenario::Programs& programs = scenario.plans[0].configuration.programs;
  ASSERT_THAT(programs.files, SizeIs(2));
  EXPECT_EQ(programs.files[0].size, 1024U);
  EXPECT_EQ(programs.files[1].cached.of(100), 25U);
  ASSERT_THAT(programs.processes, SizeIs(2));
  EXPECT_EQ(programs.processes[1].copies, 3U);
  EXPECT_EQ(programs.processes[1].name_of(2), "load.2");
  EXPECT_EQ(programs.processes[0].name_of(0), "server");
  EXPECT_THAT(programs.processes[1].cores, ElementsAre(0, 1));
  EXPECT_EQ(programs.processes[1].scheduling, scenario::SchedulingClass::Batch);
  EXPECT_EQ(scenario.plans[0].strategy, "programs");
}

TEST_F(ProgramScenarios, VaryAndSetReachArgumentsCopiesAndFiles) {
  const Scenario scenario =
      load(std::string{kTwo} + "vary: { arguments.more: [false, true], processes.load.copies: [1, 2] }\n",
           {.file = {}, .sets = {"files.page.size=8KiB", "arguments.requests=5"}});
  ASSERT_THAT(scenario.plans, SizeIs(4));
  EXPECT_THAT(scenario.plans[2].point, ElementsAre(Pair("arguments.more", "true"), Pair("processes.load.copies", "1")));
  const scenario::Programs& programs = scenario.plans[2].configuration.programs;
  EXPECT_EQ(programs.files[0].size, 8192U);
  const auto table = std::get<lua::Table>(programs.arguments.table().is);
  EXPECT_EQ(std::get<std::int64_t>(table[0].second.is), 5);
  EXPECT_TRUE(std::get<bool>(table[1].second.is));
}

TEST_F(ProgramScenarios, AnExpectationMayDependOnAnArgument) {
  const Scenario scenario = load(std::string{kTwo} +
                                 "vary: { arguments.more: [false, true] }\n"
                                 "expect: { processes.server.ends: exit 0, measures.m.times: { arguments.more: { true: "
                                 "1 } } }\n");
  EXPECT_THAT(scenario.plans[0].expectations, SizeIs(1));
  EXPECT_THAT(scenario.plans[1].expectations, SizeIs(2));
}

TEST_F(ProgramScenarios, WhatIsDumpedCanBeReadAgain) {
  const std::string dumped = scenario::dump(load(kTwo));
  const Scenario again = load_scenario(m_folder.write("again.yaml", dumped), {});
  EXPECT_EQ(scenario::dump(again), dumped);
  EXPECT_THAT(dumped, AllOf(HasSubstr("copies: 3"), HasSubstr("requests: \"20\""), HasSubstr("cached: 25 %")));
}

TEST_F(ProgramScenarios, BadOnesAreRefusedWithTheirPlace) {
  const auto processes = [](const std::string& process) { return "processes: { a: { " + process + " } }\n"; };
  const std::string good = processes("program: p.lua, run: server");
  EXPECT_EQ(refusal(good), "");
  EXPECT_EQ(refusal("processes: {}\n"), "s.yaml:3:12: processes: none");
  EXPECT_EQ(refusal(processes("run: server")), "s.yaml:3:17: processes.a: no program");
  EXPECT_EQ(refusal(processes("program: p.lua")), "s.yaml:3:17: processes.a: no run");
  EXPECT_EQ(refusal(processes("program: q.lua, run: server")), "s.yaml:3:28: program: there is no file q.lua");
  EXPECT_EQ(refusal(processes("program: p.lua, run: serve")),
            "s.yaml:3:40: p.lua has no function 'serve'; it has client, server");
  EXPECT_EQ(refusal(processes("program: p.lua, run: server, core: 1")),
            "s.yaml:3:48: unknown key 'core'; did you mean 'cores'?");
  EXPECT_EQ(refusal(processes("program: p.lua, run: server, copies: 1000000")),
            "s.yaml:3:56: copies: 1000000 is outside 1 to 1024");
  EXPECT_EQ(refusal(processes("program: p.lua, run: server, cores: [2]")),
            "s.yaml: processes.a.cores: there is no core 2; cpu.cores is 2, counted from 0");
  EXPECT_EQ(refusal(processes("program: p.lua, run: server, cores: [x]")), "s.yaml:3:56: 'x' is no core's number");
  EXPECT_EQ(refusal(good + "arguments: { colour: red }\n"), "s.yaml:4:14: arguments.colour: no program reads it");
  EXPECT_EQ(refusal(good + "arguments: { requests: 1 }\n", {.file = {}, .sets = {"arguments.request=2"}}),
            "--set arguments.request=2: unknown key 'arguments.request'; did you mean 'arguments.requests'?");
  EXPECT_EQ(refusal(good + "files: { a/b: 1 KiB }\n"), "s.yaml:4:10: files: a name is 1 to 200 characters without '/'");
  EXPECT_EQ(refusal(good + "files: { a: { seed: 1 } }\n"), "s.yaml:4:13: files.a: no size");
  EXPECT_EQ(refusal(good + "workload: { file: { size: 1 KiB } }\n"),
            "s.yaml:4:11: a scenario has either 'processes' or 'workload'");
  EXPECT_EQ(refusal(good, {.file = m_folder.path("p.lua"), .sets = {}}),
            "--file is for a workload; this scenario has processes");
  EXPECT_EQ(refusal(good, {.file = {}, .sets = {"workload.chunk=1KiB"}}).substr(0, 55),
            "--set workload.chunk=1KiB: unknown key 'workload.chunk'");
}

TEST_F(ProgramScenarios, AnErrorInAProgramHasItsLine) {
  m_folder.write("p.lua", "function server(\n");
  EXPECT_THAT(refusal("processes: { a: { program: p.lua, run: server } }\n"), testing::StartsWith("p.lua:2: "));
}

}  // namespace
}  // namespace sluice::tests
