// SPDX-License-Identifier: Apache-2.0
// Scenarios of Lua programs through the command line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/scenario/support.h"
#include "tests/tools/sluice/process.h"
#include "tools/results/json.h"

namespace sluice::tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ProgramRuns : public testing::Test {
 protected:
  ProgramRuns() { m_folder.write("platform.yaml", "schema: sluice.platform/1\nwithout: [nic]\ncpu: { cores: 2 }\n"); }
  Outcome run(const std::string& program, const std::string& rest = "", const std::string& options = "") {
    m_folder.write("p.lua", program);
    const std::string path = m_folder.write("s.yaml",
                                            "schema: sluice/1\nplatform: platform.yaml\nfiles: { page: 4 KiB }\n"
                                            "processes: { a: { program: p.lua, run: main } }\n" +
                                                rest);
    return sluice("compare " + path + " " + options, m_folder.path(""));
  }
  Folder m_folder;
};

TEST_F(ProgramRuns, SayWhatWasMeasuredAndHowItEnded) {
  const Outcome done = run(R"(function main()
    measure("reading", function() must(read(must(open("page", O_RDONLY)), memory(4096), 4096)) end)
    print("done")
  end)");
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, AllOf(HasSubstr("reading"), HasSubstr("mmap x 1, open x 1, read x 1"), HasSubstr("exit 0"),
                              HasSubstr("a: done")));
}

TEST_F(ProgramRuns, AnErrorNamesPlaceProcessAndStackAndFailsTheRun) {
  const Outcome done = run("local function f()\n  must(open('none', O_RDONLY))\nend\nfunction main() f() end");
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.out, AllOf(HasSubstr("a: "), HasSubstr("p.lua:2: open: ENOENT"), HasSubstr("in function 'main'")));
}

TEST_F(ProgramRuns, AnEndThatIsExpectedIsNoFailure) {
  const std::string expect = "expect: { processes.a.ends: SIGSEGV }\n";
  EXPECT_EQ(run("function main() peek(1) end", expect).status, 0);
  EXPECT_EQ(run("function main() end", expect).status, 1);
  const Outcome unexpected = run("function main() peek(1) end");
  EXPECT_EQ(unexpected.status, 1);
  EXPECT_THAT(unexpected.out, HasSubstr("a ended with SIGSEGV"));
}

TEST_F(ProgramRuns, AProcessThatWaitsForEverSaysInWhatCall) {
  const char* const text = "function main() local r = must(pipe()) read(r, memory(10), 10) end";
  const Outcome done = run(text);
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.out, HasSubstr("a is blocked in read"));
  EXPECT_EQ(run(text, "expect: { processes.a.ends: blocked in read }\n").status, 0);
}

TEST_F(ProgramRuns, ACheckThatDoesNotHoldFailsTheRun) {
  const Outcome done = run("function main()\n  check(1 == 2, 'one is two')\nend");
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.out, HasSubstr("p.lua:2: does not hold: one is two"));
}

TEST_F(ProgramRuns, AnEndlessLoopEndsTheRunWithItsPlace) {
  const Outcome done = run("function main()\n  while true do end\nend");
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.out, HasSubstr("p.lua:2: 200000000 instructions without a system call"));
}

TEST_F(ProgramRuns, OneProcessThatFailsLeavesTheOthersAlone) {
  m_folder.write("q.lua", "function main() sleep(1000000) print('well') end");
  const Outcome done = run("function main() peek(1) end");
  EXPECT_EQ(done.status, 1);
  const std::string path = m_folder.write(
      "two.yaml",
      "schema: sluice/1\nplatform: platform.yaml\nprocesses: { a: { program: p.lua, run: main }, b: { program: q.lua, "
      "run: main } }\nexpect: { processes.a.ends: SIGSEGV, processes.b.ends: exit 0 }\n");
  const Outcome two = sluice("compare " + path, m_folder.path(""));
  EXPECT_EQ(two.status, 0) << two.out;
  EXPECT_THAT(two.out, HasSubstr("b: well"));
}

TEST_F(ProgramRuns, AreTheSameByteForByte) {
  const std::string text =
      "function child(n) for i = 1, n do compute(100) sample('s', clock()) end end\n"
      "function main() for i = 1, 5 do fork('child', i) end while wait() do end print(math.random()) end";
  const auto json = [&] {
    auto results = results::Json::parse(run(text, "", "--json -").out);
    results["runs"][0].erase("simulator");
    return results.dump();
  };
  EXPECT_EQ(json(), json());
}

TEST_F(ProgramRuns, AMoveWithinThePageCacheIsDrawn) {
  const std::string graph = m_folder.path("g.dot");
  const Outcome done = run(R"(function main()
    local to = must(open("copy", O_WRONLY | O_CREAT, 420))
    must(sendfile(to, must(open("page", O_RDONLY)), nil, 4096))
  end)",
                           "", "--graph " + graph);
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(read_all(graph), HasSubstr("kernel.page_cache"));
}

TEST_F(ProgramRuns, AProgramIsNoOutputFile) {
  const Outcome done = run("function main() end", "", "--json " + m_folder.path("p.lua"));
  EXPECT_EQ(done.status, 2);
  EXPECT_THAT(done.err, HasSubstr("p.lua"));
}

}  // namespace
}  // namespace sluice::tests
