// SPDX-License-Identifier: Apache-2.0
#include "tools/native/program_run.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/tools/native/support.h"
#include "tools/native/process.h"
#include "tools/native/program_memory.h"
#include "tools/native/sandbox.h"

namespace sluice::tests {
namespace {

using native::ProgramSample;
using std::chrono::milliseconds;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;

/// What a host that gives no namespaces says.
std::string why_no_sandbox() {
  Folder folder;
  try {
    const pid_t pid = native::start_sandbox({folder.path(), 4}, [] { return 0; });
    return *native::wait_for_process(pid, {}) == 0 ? "" : "the sandbox's first process fails";
  } catch (const base::InputError& refused) {
    return refused.what();
  }
}

class Sandboxed : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = why_no_sandbox(); !why.empty()) GTEST_SKIP() << why;
  }
  void TearDown() override {
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD) << "a process is left";
  }
};

class ProgramRun : public Sandboxed {
 protected:
  ProgramSample run(const std::string& body, native::ProgramOptions options = {.time_limit = milliseconds{60'000}}) {
    scenario::Programs programs;
    programs.files = m_files;
    scenario::ProcessChoice choice;
    choice.name = "main";
    choice.function = "main";
    choice.program = std::make_shared<lua::Program>("test.lua", body);
    programs.processes.push_back(choice);
    native::ProgramFolder folder{m_folder.path()};
    return native::run_programs(programs, folder, options);
  }
  /// Of what the only process did.
  static const results::EndedProcess& process(const ProgramSample& sample) { return sample.processes.at(0).result; }
  static std::uint64_t calls(const ProgramSample& sample, const char* name) {
    const std::uint64_t* const made = results::find(process(sample).use.system_calls, name);
    return made != nullptr ? *made : 0;
  }
  static results::RunResult reported(const ProgramSample& sample) {
    results::RunResult result;
    sample.report.add_to(result);
    return result;
  }
  static std::vector<std::string> output(const ProgramSample& sample) {
    const results::RunResult result = reported(sample);
    const auto* lines = result.output ? results::find(*result.output, "main") : nullptr;
    return lines != nullptr ? *lines : std::vector<std::string>{};
  }

  Folder m_folder;
  std::vector<scenario::FileChoice> m_files;
};

TEST_F(ProgramRun, ReportsWhatAProgramDidAndSaid) {
  const ProgramSample sample = run(R"(function main()
    local r, w = must(pipe())
    local b = memory(4096)
    measure("turns", function() for i = 1, 10 do must(write(w, b, 100)) must(read(r, b, 100)) end end)
    sample("size", 3) sample("size", 5) count("turns", 10) check(true, "holds") check(1 == 2, "one is two")
    print("done")
    return 3
  end)");
  EXPECT_EQ(process(sample).how, "exit 3");
  EXPECT_EQ(calls(sample, "write"), 10U);
  const results::RunResult result = reported(sample);
  const results::MeasureUse& turns = result.measures->front().second;
  EXPECT_EQ(turns.mode_switches, 40U);
  EXPECT_EQ(turns.system_calls, (results::Named<std::uint64_t>{{"read", 10}, {"write", 10}}));
  EXPECT_GT(turns.interpreter_ns.value(), 0);
  EXPECT_EQ(turns.page_faults_minor, 2U);  // the page of zeros, and one of its own
  EXPECT_EQ(result.samples->front().second.mean, 4);
  EXPECT_EQ(result.counted->front().second, 10);
  EXPECT_EQ(result.checks, 2U);
  EXPECT_THAT(result.failures, ElementsAre(HasSubstr("does not hold: one is two")));
  EXPECT_THAT(output(sample), ElementsAre("done"));
}

TEST_F(ProgramRun, TheInterpretersTimeIsNotTheProgramsOwn) {
  const ProgramSample sample = run(R"(function main()
    measure("own", function() compute(20000000) end)
    measure("lua", function() local x = 0 for i = 1, 2000000 do x = x + i % 7 end end)
  end)");
  const results::RunResult result = reported(sample);
  const results::MeasureUse& own = *results::find(*result.measures, "own");
  const results::MeasureUse& lua = *results::find(*result.measures, "lua");
  EXPECT_GT(own.cpu_ns, 5'000'000);
  EXPECT_LT(own.interpreter_ns.value(), own.cpu_ns / 4);
  EXPECT_LT(lua.cpu_ns, lua.interpreter_ns.value() / 4);
}

TEST_F(ProgramRun, ACoreIsAskedWhatItIsWorthWhileAProgramRuns) {
  const ProgramSample sample = run("function main() for i = 1, 20 do compute(1000000) end end");  // 20 ms
  ASSERT_TRUE(sample.failures.empty());
  EXPECT_GE(sample.probes.all.size(), 10U);
  for (const native::CoreProbe& probe : sample.probes.all) {
    EXPECT_GT(probe.clock(), 1e8);
    EXPECT_LT(probe.clock(), 1e10);
    EXPECT_GT(probe.independent_ns, 0);
  }
}

TEST_F(ProgramRun, AProgramThatIsKilledReportsHowItEndedAndWhatItHadCounted) {
  const ProgramSample sample = run(R"(function main()
    local r, w = must(pipe())
    local b = memory(4096)
    for i = 1, 7 do must(write(w, b, 1)) end
    print("before")
    store(16, "x")
  end)");
  EXPECT_EQ(process(sample).how, "SIGSEGV");
  EXPECT_EQ(calls(sample, "write"), 7U);
  EXPECT_THAT(output(sample), ElementsAre("before"));
}

TEST_F(ProgramRun, AForkedChildCountsForItselfAndItsParentHearsOfItsEnd) {
  const ProgramSample sample = run(R"(
    function child(n) memory(4096) memory(4096) store(8, "x") end
    function main() must(fork("child", 1)) local pid, how = wait() print(how) end)");
  ASSERT_THAT(sample.processes, SizeIs(2));
  EXPECT_EQ(sample.processes[1].result.name, "main_children");
  EXPECT_EQ(sample.processes[1].result.how, "SIGSEGV");
  EXPECT_EQ(*results::find(sample.processes[1].result.use.system_calls, "mmap"), 2U);
  EXPECT_THAT(output(sample), ElementsAre("SIGSEGV"));
}

TEST_F(ProgramRun, AProgramThatWaitsForEverIsBlockedInItsCall) {
  const ProgramSample sample =
      run("function main() local r = must(pipe()) read(r, memory(4096), 1) end", {.time_limit = milliseconds{300}});
  EXPECT_FALSE(sample.processes.at(0).ended);
  EXPECT_EQ(process(sample).how, "blocked in read");
}

TEST_F(ProgramRun, AnEndlessLoopEnds) {
  const ProgramSample without_calls = run("function main() while true do end end");
  EXPECT_EQ(process(without_calls).how, "exit 1");
  EXPECT_THAT(reported(without_calls).failures, ElementsAre(HasSubstr("instructions without a system call")));
  const ProgramSample with_calls =
      run("function main() while true do sleep(1000) end end", {.time_limit = milliseconds{300}});
  EXPECT_FALSE(with_calls.processes.at(0).ended);
  EXPECT_GT(calls(with_calls, "nanosleep"), 0U);
}

TEST_F(ProgramRun, AForkBombEnds) {
  const ProgramSample sample =
      run("function main() while true do fork('main') end end", {.time_limit = milliseconds{500}, .forked = 20});
  EXPECT_THAT(sample.processes, SizeIs(Le(21)));
}

TEST_F(ProgramRun, AProcessThatEndsMakesRoomForAnother) {
  const ProgramSample sample = run(R"(
    function child() end
    function main() for i = 1, 40 do must(fork("child")) wait() end print(select(2, fork("nothing")) or "") end)",
                                   {.time_limit = milliseconds{60'000}, .forked = 2});
  EXPECT_THAT(sample.processes, SizeIs(41));
}

TEST_F(ProgramRun, ForksAsItMayWhileAnotherSandboxIsFull) {
  native::ProgramFolder full{std::filesystem::temp_directory_path()};
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t other = native::start_sandbox({full.path(), 30}, [&] {
    while (::fork() > 0) {
    }
    if (::getpid() == 1 && ::write(ready[1], "f", 1) != 1) return 1;
    while (true) ::pause();
  });
  char told = 0;
  ASSERT_EQ(::read(ready[0], &told, 1), 1);
  const ProgramSample sample = run(R"(
    function child() end
    function main() for i = 1, 3 do must(fork("child")) wait() end end)",
                                   {.time_limit = milliseconds{60'000}, .forked = 2});
  ::kill(other, SIGKILL);
  ::waitpid(other, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  EXPECT_THAT(sample.processes, SizeIs(4));
  EXPECT_EQ(process(sample).how, "exit 0");
}

TEST_F(ProgramRun, AProgramSeesItsFilesAndNoOthers) {
  scenario::FileChoice file;
  file.name = "page";
  file.size = 100;
  m_files = {file};
  const ProgramSample sample = run(R"(function main()
    print(fstat(must(open("page", O_RDONLY))).size)
    for _, path in ipairs{"/etc/passwd", "../../../../etc/passwd", "/proc/self/mem", "/proc/self/fd/0", "/dev/null"} do
      print(select(2, open(path, O_RDONLY)))
    end
  end)");
  EXPECT_THAT(output(sample), ElementsAre("100", "ENOENT", "ENOENT", "ENOENT", "ENOENT", "ENOENT"));
}

TEST_F(ProgramRun, EveryRunFindsTheFilesAsTheScenarioHasThem) {
  scenario::FileChoice file;
  file.name = "page";
  file.size = 100;
  m_files = {file};
  scenario::Programs programs;
  programs.files = m_files;
  scenario::ProcessChoice choice;
  choice.name = choice.function = "main";
  choice.program = std::make_shared<lua::Program>("test.lua", R"(function main()
    local fd = must(open("page", O_RDWR))
    print(fstat(fd).size)
    must(ftruncate(fd, 7))
    print(select(2, open("new", O_RDONLY)) or "there")
    must(open("new", O_RDWR | O_CREAT, 384))
  end)");
  programs.processes.push_back(choice);
  native::ProgramFolder folder{m_folder.path()};
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(output(native::run_programs(programs, folder, {})), ElementsAre("100", "ENOENT"));
  }
}

TEST_F(ProgramRun, NoPortOfTheHostCanBeReached) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  const std::string port = std::to_string(ntohs(address.sin_port));
  const ProgramSample sample = run(R"(function main()
    local s = must(socket(AF_INET, SOCK_STREAM, 0))
    print(select(2, connect(s, "127.0.0.1:)" +
                                   port + R"(")))
    s = must(socket(AF_INET, SOCK_STREAM, 0))
    print(select(2, connect(s, "8.8.8.8:53")))
  end)");
  ::close(listener);
  EXPECT_THAT(output(sample), ElementsAre("ECONNREFUSED", "ENETUNREACH"));
}

TEST_F(ProgramRun, NothingIsLeftBehind) {
  (void)run("function main() must(open('new', O_RDWR | O_CREAT, 0)) end");
  EXPECT_TRUE(std::filesystem::is_empty(m_folder.path()));
}

TEST_F(ProgramRun, ACoreThatThereIsNotIsRefused) {
  scenario::Programs programs;
  scenario::ProcessChoice choice;
  choice.cores = {4000};
  programs.processes.push_back(choice);
  EXPECT_THROW(native::check_cores(programs), base::InputError);
}

using Sandbox = Sandboxed;

TEST_F(Sandbox, ItsProcessesHaveNoPowerOverTheHost) {
  Folder folder;
  const pid_t outside = ::getpid();
  const pid_t pid = native::start_sandbox({folder.path(), 4}, [&]() -> int {
    if (::getpid() != 1) return 1;
    if (::kill(outside, 0) == 0 && outside != 1) return 2;
    if (::setuid(0) == 0 && ::getuid() == 0 && ::mount("none", "/", "tmpfs", 0, nullptr) == 0) return 3;
    if (::mount("none", "/", "tmpfs", 0, nullptr) == 0) return 4;
    if (::chroot("/") == 0) return 5;
    if (::open("/etc/passwd", O_RDONLY) >= 0) return 6;
    if (::sethostname("x", 1) == 0) return 7;
    return 0;
  });
  EXPECT_EQ(*native::wait_for_process(pid, {}), 0);
}

TEST_F(Sandbox, ItEndsWithItsMaker) {
  Folder folder;
  std::array<int, 2> alive{};
  ASSERT_EQ(::pipe(alive.data()), 0);
  const pid_t maker = ::fork();
  if (maker == 0) {
    ::close(alive[0]);
    native::start_sandbox({folder.path(), 4}, [] {
      while (true) ::pause();
      return 0;
    });
    ::raise(SIGKILL);
  }
  ::close(alive[1]);
  ::waitpid(maker, nullptr, 0);
  char none = 0;
  EXPECT_EQ(::read(alive[0], &none, 1), 0);  // returns when nobody holds the other end
  ::close(alive[0]);
}

TEST(ProgramMemory, WhatAProcessScribbledOverIsWalkedOver) {
  native::ProgramMemory memory;
  native::Record record;
  record.kind = native::RecordKind::Print;
  memory.append(record, "first", "where");
  memory.append(record, std::string(5000, 'x'));
  memory.append(record, "last");
  std::vector<std::string> texts;
  const auto note = [&](const native::Record&, std::string_view text, std::string_view second) {
    texts.emplace_back(std::string{text} + "|" + std::string{second});
  };
  memory.read(note);
  ASSERT_THAT(texts, SizeIs(3));
  EXPECT_EQ(texts[0], "first|where");
  texts.clear();
  // A log is reached through what read gives out: spoil all of the first record's neighbourhood.
  memory.read([&](const native::Record&, std::string_view text, std::string_view) {
    if (text == "first") std::memset(const_cast<char*>(text.data()) + 16, 0x51, 3000);
  });
  memory.read(note);
  EXPECT_THAT(texts, ElementsAre("first|where", "last|"));
}

TEST(ProgramMemory, ARecordWithoutPlaceIsNoticed) {
  native::ProgramMemory memory;
  const std::string large(std::size_t{1} << 20, 'x');
  for (int i = 0; i < 300 && !memory.overflowed(); ++i) memory.append({}, large);
  EXPECT_TRUE(memory.overflowed());
}

}  // namespace
}  // namespace sluice::tests
