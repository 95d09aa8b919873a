// SPDX-License-Identifier: Apache-2.0
#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kernel_sim/lua/program_rig.h"

namespace sluice::lua {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::string error_of(const std::string& text) {
  try {
    const Program program{"test.lua", text};
  } catch (const ProgramError& error) {
    return error.what();
  }
  return "";
}

TEST(LuaProgram, MovesBytesByTheCallsOfLinux) {
  const Ran ran{R"(
    function main()
      local file = must(open("a", O_RDONLY))
      local buffer = memory(8 * KiB)
      print(read(file, buffer, 100), read(file, buffer, 8 * KiB), fstat(file).size)
      local r, w = must(pipe())
      print(sendfile(w, file, 96, 10))
      print(must(read(r, buffer, 100)), #load(buffer, 10))
      print(sendfile(w, file, nil, 10))
    end)"};
  EXPECT_EQ(ran.printed(), "100\t3996\t4096|10\t106|10\t10|0\tnil");
  EXPECT_EQ(ran.exit_status(), 0);
  EXPECT_EQ(ran.leaks, "");
}

TEST(LuaProgram, ListsOfBuffersAreListsOfAddressAndSize) {
  const Ran ran{R"(
    function main()
      local from, to = must(pipe())
      local at = memory(4096)
      store(at, "hello world")
      print(writev(to, { { at + 6, 5 }, { at, 5 } }))
      print(readv(from, { { at + 100, 3 }, { at, 100 } }), load(at + 100, 3), load(at, 7))
      local s = must(socket(AF_INET, SOCK_STREAM, 0))
      print(getsockopt(s, SOL_SOCKET, SO_TYPE) == SOCK_STREAM, getsockopt(s, SOL_SOCKET, 9999))
    end)"};
  EXPECT_EQ(ran.printed(), "10|10\twor\tldhello|true\tnil\tENOPROTOOPT");
}

TEST(LuaProgram, EpollTellsWhatItsWatchesAsked) {
  const Ran ran{R"(
    function main()
      local from, to = must(pipe())
      local e = must(epoll_create1())
      must(epoll_ctl(e, EPOLL_CTL_ADD, from, { events = EPOLLIN | EPOLLET, data = 42 }))
      print(#epoll_wait(e, 8, 0))
      write(to, memory(10), 10)
      local ready = epoll_wait(e, 8, -1)
      print(#ready, ready[1].events == EPOLLIN, ready[1].data)
      print(epoll_ctl(e, EPOLL_CTL_ADD, to))
      print(epoll_ctl(e, EPOLL_CTL_DEL, from), epoll_ctl(e, EPOLL_CTL_DEL, from))
    end)"};
  EXPECT_EQ(ran.printed(), "0|1\ttrue\t42|nil\tEFAULT|0\tnil\tENOENT");
  EXPECT_EQ(ran.leaks, "");
}

TEST(LuaProgram, ACallThatFailsGivesNilAndTheErrorsName) {
  const Ran ran{R"(function main() print(open("none", O_RDONLY)); print(close(99)); print(read(0, 0, 1)) end)"};
  EXPECT_EQ(ran.printed(), "nil\tENOENT|nil\tEBADF|nil\tEBADF");
}

TEST(LuaProgram, MustNamesPlaceCallAndError) {
  const Ran ran{"function main()\n  local file = must(open('none', O_RDONLY))\nend"};
  EXPECT_EQ(ran.exit_status(), 1);
  ASSERT_THAT(ran.said.failures, SizeIs(1));
  EXPECT_THAT(ran.said.failures[0], StartsWith("test.lua:2: open: ENOENT"));
  EXPECT_THAT(ran.said.failures[0], HasSubstr("in function 'main'"));
}

TEST(LuaProgram, TheValueOfMainIsTheExitStatus) {
  EXPECT_EQ(Ran{"function main() return 7 end"}.exit_status(), 7);
  EXPECT_EQ(Ran{"function main() end"}.exit_status(), 0);
  EXPECT_EQ(Ran{"function main() exit(3) end"}.exit_status(), 3);
}

TEST(LuaProgram, ExitEndsAProcessWithinEveryProtection) {
  for (const char* protection :
       {"pcall(exit, 4)", "xpcall(exit, print, 4)", "coroutine.resume(coroutine.create(exit), 4)",
        "pcall(pcall, exit, 4)", "coroutine.wrap(function() pcall(exit, 4) end)()",
        "pcall(table.sort, {1, 2}, function() exit(4) end)",
        "pcall(function() local x <close> = setmetatable({}, {__close = print}) exit(4) end)"}) {
    const Ran ran{std::string{"function main() "} + protection + " print('still here') end"};
    EXPECT_EQ(ran.exit_status(), 4) << protection;
    EXPECT_THAT(ran.said.lines, IsEmpty()) << protection;
  }
}

TEST(LuaProgram, AFatalSignalEndsAProcessWithinPcall) {
  const Ran ran{"function main() pcall(peek, 16) print('still here') end"};
  EXPECT_TRUE(WIFSIGNALED(ran.status));
  EXPECT_EQ(WTERMSIG(ran.status), SIGSEGV);
  EXPECT_THAT(ran.said.lines, IsEmpty());
}

TEST(LuaProgram, AnEndlessLoopEndsWithItsPlace) {
  for (const char* loop : {"while true do end", "while true do pcall(function() while true do end end) end",
                           "coroutine.wrap(function() while true do end end)()"}) {
    const Ran ran{std::string{"function main()\n"} + loop + " end", {.instructions = 1'000'000}};
    EXPECT_EQ(ran.exit_status(), 1) << loop;
    ASSERT_THAT(ran.said.failures, SizeIs(1)) << loop;
    EXPECT_THAT(ran.said.failures[0], StartsWith("test.lua:2: 1000000 instructions without a system call")) << loop;
  }
}

TEST(LuaProgram, ALoopThatCallsTheKernelMayBeLong) {
  const Ran ran{"function main() for i = 1, 3000 do for j = 1, 100 do end; close(-1) end end",
                {.instructions = 20'000}};
  EXPECT_EQ(ran.exit_status(), 0);
}

TEST(LuaProgram, AMatchThatGoesBackAndForthEndsWithItsPlace) {
  for (const char* call : {"string.find(a, p)", "a:match(p)", "a:gsub(p, '')", "a:gmatch(p)"}) {
    const Ran ran{"function main() local a, p = ('a'):rep(5000), ('a-'):rep(20) .. 'b'\npcall(function() return " +
                      std::string{call} + " end) end",
                  {.instructions = 1'000'000}};
    EXPECT_THAT(ran.said.failures, ElementsAre(StartsWith("test.lua:2: 1000000 instructions"))) << call;
  }
}

TEST(LuaProgram, WorkOfTheLibraryCountsAsInstructions) {
  for (const char* work : {"local a = ('a'):rep(4000000) while true do a:rep(2) end",
                           "table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, 1)",
                           "table.remove(setmetatable({}, { __len = function() return 1 << 60 end }), 1)",
                           "local a = ('a'):rep(4000000) while true do a:find(a .. 'b', 1, true) end",
                           "local t = {} for i = 1, 50000 do t[i] = i end while true do next(t) end"}) {
    const Ran ran{std::string{"function main() "} + work + " end", {.instructions = 2'000'000}};
    EXPECT_THAT(ran.said.failures, ElementsAre(HasSubstr("2000000 instructions without a system call"))) << work;
  }
}

TEST(LuaProgram, WorkThatNothingCountsEndsByTheHostsClock) {
  const Ran ran{"function main() local a, b = ('a'):rep(9000000), ('a'):rep(8999999) .. 'a' while a == b do end end",
                {.host_time = std::chrono::seconds{1}}};
  EXPECT_THAT(ran.said.failures, ElementsAre(HasSubstr("1 s of the host without a system call")));
}

TEST(LuaProgram, BoundedFunctionsGiveWhatLuasOwnGive) {
  const Ran ran{R"lua(function main()
    print(("a.b.c"):find(".", 1, true), ("abc"):find("b", -2), ("abc"):find("", 10), ("abc"):find("", 4), ("abc"):find("c", -1))
    print(("key = 12"):match("^(%w+)%s*=%s*(%d+)$"), ("f(a(b)c)d"):match("%b()"), ("THE (quick) fox"):find("%f[%a]%a+%f[%A]"))
    print(("hello world"):gsub("o", "0", 1), ("abc"):gsub("", "-"), ("abab"):gsub("(a)(b)", "%2%1"))
    local all = {}
    for k, v in ("a=1, b=2"):gmatch("(%w+)=(%w+)") do all[#all + 1] = k .. v end
    print(table.concat(all, " "), ("x"):rep(3, ","), ("x"):rep(0), (""):rep(1 << 62), ("x"):rep(-1))
    local t = { 1, 2, 3 }
    table.insert(t, 4) table.insert(t, 1, 0) print(table.concat(t, " "), table.remove(t), table.remove(t, 1), #t)
    print(table.remove({}), pcall(table.insert, {}, 5, 1))
    print(pcall(string.find, "a", "[a"), pcall(string.find, "a", "%"), pcall(string.gsub, "a", "(", ""))
  end)lua"};
  EXPECT_EQ(ran.printed(),
            "2\t2\tnil\t4\t3\t3|key\t(a(b)c)\t1\t3|hell0 world\t-a-b-c-\tbaba\t2|a1 b2\tx,x,x\t\t\t|"
            "0 1 2 3 4\t4\t0\t3|nil\tfalse\tbad argument #2 to 'table.insert' (position out of bounds)|"
            "false\tfalse\ttrue\ta\t2");
}

TEST(LuaProgram, FewTablesThatAreMuchAreNotPassedOn) {
  const Ran ran{
      "function child() end function main() local t = 1 for i = 1, 40 do t = { t, t } end fork('child', t) end"};
  EXPECT_THAT(ran.said.failures, ElementsAre(HasSubstr("more than 16 MiB cannot be passed on")));
}

TEST(LuaProgram, MemoryHasALimit) {
  const Ran ran{"function main() local t = {} while true do t[#t + 1] = string.rep('x', 1 << 20) end end"};
  EXPECT_EQ(ran.exit_status(), 1);
  ASSERT_THAT(ran.said.failures, SizeIs(1));
  EXPECT_THAT(ran.said.failures[0], HasSubstr("test.lua: the interpreter needs more than 64 MiB"));
}

TEST(LuaProgram, RecursionHasALimit) {
  const Ran ran{"function main() local function f() return 1 + f() end f() end"};
  EXPECT_THAT(ran.said.failures, ElementsAre(AnyOf(HasSubstr("stack overflow"), HasSubstr("needs more than 64 MiB"))));
  const Ran callbacks{"function main() local function f() return (string.gsub('x', 'x', f)) end f() end"};
  EXPECT_THAT(callbacks.said.failures, ElementsAre(HasSubstr("overflow")));
}

TEST(LuaProgram, OutputHasALimit) {
  const Ran ran{"function main() while true do print('again and again') end end", {.output = 1000}};
  EXPECT_THAT(ran.said.failures, ElementsAre(HasSubstr("prints and names more than its limit")));
}

TEST(LuaProgram, NothingOfTheHostIsReached) {
  for (const char* name :
       {"io", "os", "debug", "package", "require", "dofile", "loadfile", "collectgarbage", "string.dump", "warn"}) {
    const Ran ran{std::string{"function main() print("} + name + ") end"};
    EXPECT_EQ(ran.printed(), "nil") << name;
  }
}

TEST(LuaProgram, AddressesOfTheInterpreterDoNotShow) {
  const Ran ran{R"(function main()
    print({}, print, coroutine.create(print))
    print(string.format("%s %s", {}, print), pcall(string.format, "%p", {}))
    print(setmetatable({}, {__tostring = function() return "mine" end}))
  end)"};
  EXPECT_EQ(ran.printed(), "table\tfunction\tthread|table function\tfalse\tformat has no %p|mine");
}

TEST(LuaProgram, PairsGoesInTheOrderOfKeys) {
  const Ran ran{R"(function main()
    local all = {}
    for key in pairs({ b = 1, a = 1, [10] = 1, [2] = 1, [1.5] = 1, [true] = 1, [false] = 1 }) do
      all[#all + 1] = tostring(key)
    end
    print(table.concat(all, " "), next({}), next({ z = 1, y = 2 }))
    print(pcall(pairs, { [{}] = 1 }))
  end)"};
  EXPECT_EQ(ran.printed(), "1.5 2 10 a b false true\tnil\ty\t2|false\ta key of type table has no fixed order");
}

TEST(LuaProgram, SortIsStableAndSurvivesAWrongComparison) {
  const Ran ran{R"(function main()
    local list = {}
    for i = 1, 200 do list[i] = { key = i * 7 % 5, at = i } end
    table.sort(list, function(a, b) return a.key < b.key end)
    for i = 2, 200 do
      check(list[i - 1].key < list[i].key or list[i - 1].key == list[i].key and list[i - 1].at < list[i].at, "stable")
    end
    table.sort(list, function() return true end)
    print(#list)
  end)"};
  EXPECT_EQ(ran.printed(), "200");
  EXPECT_THAT(ran.said.failed_checks, IsEmpty());
}

TEST(LuaProgram, ChanceIsTheSameInEveryRun) {
  const std::string text = "function main() print(math.random(1 << 40), math.random(), pcall(math.randomseed)) end";
  const Ran first{text};
  EXPECT_EQ(first.printed(), Ran{text}.printed());
  EXPECT_THAT(first.printed(), HasSubstr("false"));
}

TEST(LuaProgram, AForkedFunctionGetsItsValues) {
  const Ran ran{R"(
    function child(n, options) print(n, options.text, options.list[2]) exit(n) end
    function main()
      local pid = must(fork("child", 5, { text = "hello", list = { 1, 2.5 } }))
      local ended, how = wait()
      print(ended == pid, how, wait())
    end)"};
  EXPECT_EQ(ran.printed(), "5\thello\t2.5|true\texit 5\tnil\tECHILD");
  EXPECT_EQ(ran.leaks, "");
}

TEST(LuaProgram, AChildThatIsKilledSaysBy) {
  const Ran ran{"function child() peek(1) end function main() fork('child') print(select(2, wait())) end"};
  EXPECT_EQ(ran.printed(), "SIGSEGV");
}

TEST(LuaProgram, AForkBombMeetsTheLimitOfProcesses) {
  const Ran ran{R"(
    function main()
      local made = 0
      while true do
        local pid, error = fork("idle")
        if not pid then print(error) break end
        made = made + 1
      end
      check(made > 1000, "many")
      while wait() do end
      print(fork("idle") ~= nil)
      wait()
    end
    function idle() end)"};
  EXPECT_EQ(ran.printed(), "EAGAIN|true");
  EXPECT_THAT(ran.said.failed_checks, IsEmpty());
}

TEST(LuaProgram, WhatCannotCrossAForkIsRefused) {
  for (const char* value : {"print", "coroutine.create(print)", "{ f = print }"}) {
    const Ran ran{std::string{"function child() end function main() fork('child', "} + value + ") end"};
    EXPECT_THAT(ran.said.failures, ElementsAre(HasSubstr("cannot be passed on"))) << value;
  }
  const Ran ring{"function child() end function main() local t = {} t.t = t fork('child', t) end"};
  EXPECT_THAT(ring.said.failures, ElementsAre(HasSubstr("cannot be passed on")));
  EXPECT_THAT((Ran{"function main() fork('nobody') end"}.said.failures),
              ElementsAre(HasSubstr("test.lua has no function 'nobody'")));
}

TEST(LuaProgram, ReportsMeasuresSamplesCountsAndChecks) {
  const Ran ran{R"(function main()
    print(measure("all", function(a, b) count("n") count("n", 4) sample("s", 1.5) sample("s", 2) return a + b end, 2, 3))
    check(1 == 1, "right")
    check(1 == 2, "one is two")
  end)"};
  EXPECT_EQ(ran.printed(), "5");
  EXPECT_THAT(ran.said.marks, ElementsAre("+all", "-all"));
  EXPECT_EQ(ran.said.counts.at("n"), 5);
  EXPECT_THAT(ran.said.samples.at("s"), ElementsAre(1.5, 2));
  EXPECT_THAT(ran.said.failed_checks, ElementsAre("test.lua:4: one is two"));
}

TEST(LuaProgram, ASleepTakesItsTimeAndTheTimersSlack) {
  const Ran ran{"function main() local t = clock() sleep(2000000) print((clock() - t) // 10000) end"};
  EXPECT_EQ(ran.printed(), "205");
}

TEST(LuaProgram, WrongArgumentsAreErrorsWithTheirPlace) {
  const auto failure = [](const std::string& statement) {
    const Ran ran{"function main()\n" + statement + " end"};
    return ran.said.failures.empty() ? "" : ran.said.failures[0].substr(0, ran.said.failures[0].find('\n'));
  };
  EXPECT_EQ(failure("read()"), "test.lua:2: bad argument #1 to 'read' (number expected, got no value)");
  EXPECT_EQ(failure("read(0, nil, 4)"), "test.lua:2: bad argument #2 to 'read' (number expected, got nil)");
  EXPECT_EQ(failure("read(0, 0, 1, 2)"), "test.lua:2: read takes 3 arguments");
  EXPECT_EQ(failure("read(1 << 40, 0, 1)"), "test.lua:2: bad argument #1 to 'read' (number out of range)");
  EXPECT_EQ(failure("read(0, 0.5, 1)"), "test.lua:2: bad argument #2 to 'read' (number has no integer representation)");
  EXPECT_EQ(failure("connect(0, '1.2.3:4')"),
            "test.lua:2: bad argument #2 to 'connect' (an address is written \"10.0.0.1:80\" or \"unix:path\", or is "
            "AF_UNSPEC)");
  EXPECT_EQ(failure("fill(0, 256, 1)"), "test.lua:2: bad argument #2 to 'fill' (a byte is 0 to 255)");
  EXPECT_EQ(failure("sample('x', 0/0)"), "test.lua:2: bad argument #2 to 'sample' (is not finite)");
  EXPECT_EQ(failure("poll({ 1 }, 0)"), "test.lua:2: bad argument #1 to 'poll' (a list of { fd = , events = })");
  EXPECT_EQ(failure("readv(0, { 1 })"), "test.lua:2: bad argument #2 to 'readv' (a list of { address, size })");
  EXPECT_EQ(failure("epoll_ctl(0, 1, 0, {})"),
            "test.lua:2: bad argument #4 to 'epoll_ctl' ({ events = , data = }, both whole numbers)");
  EXPECT_EQ(failure("reed(0, 0, 1)"), "test.lua:2: attempt to call a nil value (global 'reed')");
}

TEST(LuaProgram, ATextThatIsNoProgramIsRefusedWithItsPlace) {
  EXPECT_EQ(error_of("function main() end"), "");
  EXPECT_THAT(error_of("function main(\n"), StartsWith("test.lua:2: "));
  EXPECT_EQ(error_of("x = 1\nopen('a', 0)"), "test.lua: a call outside of every function");
  EXPECT_THAT(error_of("error('no')"), StartsWith("test.lua:1: no"));
  EXPECT_THAT(error_of("while true do end"), HasSubstr("instructions without a system call"));
}

TEST(LuaProgram, KnowsItsFunctionsAndWhatItMentions) {
  const Program program{"test.lua",
                        "function server(a) return a.requests end\nfunction client() end\nlocal function own() end"};
  EXPECT_THAT(program.functions(), ElementsAre("client", "server"));
  EXPECT_TRUE(program.mentions("requests"));
  EXPECT_FALSE(program.mentions("request"));
}

TEST(LuaProgram, GetsArgumentsAsATable) {
  const Ran ran{"function main(a) print(a.more, a.n, a.text, a.none) end",
                {},
                {{Table{{{"more"}, value_of("true")}, {{"n"}, value_of("1000")}, {{"text"}, value_of("64 KiB")}}}}};
  EXPECT_EQ(ran.printed(), "true\t1000\t64 KiB\tnil");
}

}  // namespace
}  // namespace sluice::lua
