// SPDX-License-Identifier: Apache-2.0
#include "tools/native/process.h"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/tools/native/support.h"

namespace sluice::tests {
namespace {

using native::HostSystemCalls;
using native::run_as_process;

class Process : public testing::Test {
 protected:
  int run(const std::function<int(SystemCalls&)>& main, const native::ProcessOptions& options = {}) {
    return run_as_process(m_calls, main, options);
  }

  Folder m_folder;
  HostSystemCalls m_calls{{.root = m_folder.path()}};
};

UserAddress map_page(SystemCalls& calls, int protection, int flags, int fd) {
  return static_cast<UserAddress>(calls.mmap(UserAddress::Null, 4096, protection, flags, fd, 0));
}

TEST_F(Process, TheStatusIsWhatTheProgramReturnsOrExitsWith) {
  EXPECT_EQ(run([](SystemCalls&) { return 0; }), 0);
  EXPECT_EQ(run([](SystemCalls&) { return 7; }), 7 << 8);
  EXPECT_EQ(run([](SystemCalls& calls) -> int {
              calls.exit(9);
              return 1;
            }),
            9 << 8);
  EXPECT_EQ(m_calls.counts().by_name(), (Counts{{"exit", 1}}));
  EXPECT_EQ(m_calls.counts().mode_switches, 1U);  // it does not return
}

TEST_F(Process, AProgramThatEndedLeavesNobodyToKill) {
  const auto kills_its_child = [](SystemCalls& calls) {
    const auto pause = [](SystemCalls& in_child, std::span<const std::byte>) {
      in_child.nanosleep(60'000'000'000);
      return 0;
    };
    const SystemCalls::Value child = calls.fork(pause, {});
    const SystemCalls::Value killed = calls.kill(child, SIGKILL);
    int status = 0;
    return killed == 0 && calls.wait(child, status) == child ? 0 : 1;
  };
  EXPECT_EQ(run(kills_its_child), 0);
  EXPECT_EQ(m_calls.known_processes(), 0U);
}

TEST_F(Process, AnAddressThatIsNotMappedIsSigsegv) {
  const auto load = [](SystemCalls& calls) {
    std::byte byte{};
    calls.load(UserAddress::Null, {&byte, 1});
    return 0;
  };
  const auto store = [](SystemCalls& calls) {
    calls.store(map_page(calls, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1), bytes_of("x"));
    return 0;
  };
  const auto fill = [](SystemCalls& calls) {
    const auto page = map_page(calls, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    calls.munmap(page, 4096);
    calls.fill(page, std::byte{1}, 4096);
    return 0;
  };
  EXPECT_EQ(run(load), SIGSEGV);
  EXPECT_EQ(run(store), SIGSEGV);
  EXPECT_EQ(run(fill), SIGSEGV);
}

TEST_F(Process, AMappingBeyondTheEndOfItsFileIsSigbus) {
  m_folder.write("empty", 0);
  EXPECT_EQ(run([](SystemCalls& calls) {
              const auto file = static_cast<int>(calls.open("/empty", O_RDONLY, 0));
              std::byte byte{};
              calls.load(map_page(calls, PROT_READ, MAP_SHARED, file), {&byte, 1});
              return 0;
            }),
            SIGBUS);
  EXPECT_EQ(m_calls.counts().by_name(), (Counts{{"mmap", 1}, {"open", 1}}));  // outlive the process
}

TEST_F(Process, WritingToNobodyIsSigpipeThoughIgnoredHere) {
  const auto old = std::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(run([](SystemCalls& calls) {
              int pipe[2] = {-1, -1};
              calls.pipe(pipe);
              calls.close(pipe[0]);
              const auto page = map_page(calls, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);
              calls.write(pipe[1], page, 1);
              return 0;
            }),
            SIGPIPE);
  std::signal(SIGPIPE, old);
}

TEST_F(Process, FilesGetTheModeAskedFor) {
  run([](SystemCalls& calls) { return calls.open("/a", O_CREAT | O_WRONLY, 0666) < 0 ? 1 : 0; });
  EXPECT_EQ(std::filesystem::status(m_folder.path() / "a").permissions(), std::filesystem::perms{0666});
}

/// Writes a byte of its own arguments into the pipe that they name.
int child_writes(SystemCalls& calls, std::span<const std::byte> arguments) {
  int fd = -1;
  std::memcpy(&fd, arguments.data(), sizeof fd);
  const auto page = map_page(calls, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  calls.fill(page, std::byte{42}, 1);
  return calls.write(fd, page, 1) == 1 ? 5 : 6;
}

TEST_F(Process, AForkedChildSharesDescriptorsAndIsWaitedFor) {
  EXPECT_EQ(run([](SystemCalls& calls) {
              int pipe[2] = {-1, -1};
              calls.pipe(pipe);
              const auto child = calls.fork(child_writes, std::as_bytes(std::span{&pipe[1], 1}));
              int status = 0;
              if (child <= 0 || calls.wait(child, status) != child || status != 5 << 8) return 1;
              if (calls.wait(-1, status) != -ECHILD) return 2;
              const auto page = map_page(calls, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
              std::byte byte{};
              if (calls.read(pipe[0], page, 1) != 1) return 3;
              calls.load(page, {&byte, 1});
              return byte == std::byte{42} ? 0 : 4;
            }),
            0);
  // Of both processes.
  EXPECT_EQ(m_calls.counts().by_name(),
            (Counts{{"fork", 1}, {"mmap", 2}, {"pipe", 1}, {"read", 1}, {"wait", 2}, {"write", 1}}));
}

int child_stores(SystemCalls& calls, std::span<const std::byte> arguments) {
  UserAddress page{};
  std::memcpy(&page, arguments.data(), sizeof page);
  calls.store(page, bytes_of("child"));
  return 0;
}

TEST_F(Process, PrivateMemoryIsTheChildsOwnCopy) {
  EXPECT_EQ(run([](SystemCalls& calls) {
              const auto page = map_page(calls, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
              calls.store(page, bytes_of("first"));
              calls.fork(child_stores, std::as_bytes(std::span{&page, 1}));
              int status = 0;
              calls.wait(-1, status);
              std::string text(5, ' ');
              calls.load(page, std::as_writable_bytes(std::span{text}));
              return text == "first" && status == 0 ? 0 : 1;
            }),
            0);
}

int sleeps(SystemCalls& calls, std::span<const std::byte>) { return static_cast<int>(calls.poll({}, -1)); }

TEST_F(Process, AChildDoesNotOutliveItsParent) {
  const native::Shared<pid_t> child;
  EXPECT_EQ(run([&](SystemCalls& calls) {
              *child = static_cast<pid_t>(calls.fork(sleeps, {}));
              return 0;
            }),
            0);
  ASSERT_GT(*child, 0);
  // A zombie that nobody has reaped yet has ended too.
  const auto runs = [&] {
    std::ifstream stat{"/proc/" + std::to_string(*child) + "/stat"};
    std::string pid, name, state;
    stat >> pid >> name >> state;
    return stat && state != "Z" && state != "X";
  };
  for (int i = 0; i < 1000 && runs(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds{5});
  EXPECT_FALSE(runs());
}

TEST_F(Process, AProgramThatRunsTooLongIsKilled) {
  EXPECT_EQ(run([](SystemCalls& calls) { return static_cast<int>(calls.poll({}, -1)); },
                {.time_limit = std::chrono::milliseconds{20}}),
            SIGKILL);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(Process, PlacementIsTheCoreAndThePolicy) {
  cpu_set_t allowed;
  sched_getaffinity(0, sizeof allowed, &allowed);
  int last = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &allowed)) last = cpu;
  }
  EXPECT_EQ(run(
                [&](SystemCalls&) {
                  cpu_set_t own;
                  sched_getaffinity(0, sizeof own, &own);
                  if (CPU_COUNT(&own) != 1 || !CPU_ISSET(static_cast<std::size_t>(last), &own)) return 1;
                  return sched_getscheduler(0) == SCHED_BATCH ? 0 : 2;
                },
                {.placement = {.cpu = last, .batch = true}}),
            0);
  EXPECT_THROW(run([](SystemCalls&) { return 0; }, {.placement = {.cpu = -1}}), base::InputError);
}

}  // namespace
}  // namespace sluice::tests
