// SPDX-License-Identifier: Apache-2.0
// fork, exit, wait, fatal signals, and what parent and child share.
#include <algorithm>
#include <csignal>
#include <ctime>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/kernel_sim/syscalls/process_rig.h"

namespace sluice::syscalls {
namespace {

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span{&value, 1});
}
template <class T>
T from_bytes(std::span<const std::byte> bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

TEST(Processes, TheParentGetsPidAndStatusOfItsChild) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const int code = 300;
    const auto pid = calls.fork(
        [](SystemCalls& child, std::span<const std::byte> a) {
          child.exit(from_bytes<int>(a));
          return 0;
        },
        bytes_of(code));
    EXPECT_GT(pid, 0);
    int status = -1;
    EXPECT_EQ(calls.wait(pid, status), pid);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 300 & 0xFF);
    EXPECT_EQ(calls.wait(pid, status), -ECHILD);  // once only
    EXPECT_EQ(calls.wait(-1, status), -ECHILD);
    return 0;
  });
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

TEST(Processes, WaitForAnyTakesTheFirstToEnd) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const auto child = [](SystemCalls& c, std::span<const std::byte> a) {
      c.compute(from_bytes<std::uint64_t>(a));
      return 0;
    };
    const std::uint64_t longer = 20'000'000;
    const std::uint64_t shorter = 1'000;
    const auto slow = calls.fork(child, bytes_of(longer));
    const auto fast = calls.fork(child, bytes_of(shorter));
    int status = 0;
    EXPECT_EQ(calls.wait(-1, status), fast);
    EXPECT_EQ(calls.wait(-1, status), slow);
    EXPECT_EQ(calls.wait(-1, status), -ECHILD);
    return 0;
  });
}

TEST(Processes, MemoryIsCopiedOnWriteAndSharedMappingsAreShared) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    struct Pages {
      UserAddress own;
      UserAddress shared;
    } pages{};
    pages.own = buffer(calls, 4096);
    pages.shared = static_cast<UserAddress>(
        calls.mmap(UserAddress::Null, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    put(calls, pages.own, "parent");
    put(calls, pages.shared, "parent");
    calls.fork(
        [](SystemCalls& child, std::span<const std::byte> a) {
          const auto p = from_bytes<Pages>(a);
          EXPECT_EQ(get(child, p.own, 6), "parent");
          put(child, p.own, "child!");
          put(child, p.shared, "child!");
          EXPECT_EQ(get(child, p.own, 6), "child!");
          return 0;
        },
        bytes_of(pages));
    int status = 0;
    calls.wait(-1, status);
    EXPECT_EQ(get(calls, pages.own, 6), "parent");
    EXPECT_EQ(get(calls, pages.shared, 6), "child!");
    return 0;
  });
  EXPECT_EQ(rig.frames_in_use(), 0U);
  EXPECT_EQ(rig.processes.faults().copy_on_write, 1U);
}

TEST(Processes, ParentAndChildTalkThroughAPipeAndSharePositions) {
  ProcessRig rig;
  rig.files["/a"] = "0123456789";
  rig.run([](SystemCalls& calls) {
    struct Fds {
      int pipe[2];
      int file;
    } fds{};
    calls.pipe(fds.pipe);
    fds.file = static_cast<int>(calls.open("/a", O_RDONLY));
    calls.fork(
        [](SystemCalls& child, std::span<const std::byte> a) {
          const auto f = from_bytes<Fds>(a);
          const UserAddress at = buffer(child, 4096);
          child.read(f.file, at, 4);
          child.write(f.pipe[1], at, 4);
          return 0;
        },
        bytes_of(fds));
    calls.close(fds.pipe[1]);
    const UserAddress at = buffer(calls, 4096);
    EXPECT_EQ(calls.read(fds.pipe[0], at, 100), 4);
    EXPECT_EQ(get(calls, at, 4), "0123");
    EXPECT_EQ(calls.read(fds.pipe[0], at, 100), 0);  // the child's end closed with it
    EXPECT_EQ(calls.read(fds.file, at, 3), 3);
    EXPECT_EQ(get(calls, at, 3), "456");
    return 0;
  });
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

TEST(Processes, AForbiddenAccessEndsTheProcessWithItsSignal) {
  struct Case {
    const char* what;
    int signal;
    ProcessTable::Main main;
  };
  const auto file = [](SystemCalls& calls) {
    return static_cast<UserAddress>(
        calls.mmap(UserAddress::Null, 8192, PROT_READ, MAP_SHARED, static_cast<int>(calls.open("/a", O_RDONLY)), 0));
  };
  const Case cases[] = {
      {"load from nowhere", SIGSEGV, [](SystemCalls& c) { return get(c, UserAddress{0x1000}, 1), 0; }},
      {"store to nowhere", SIGSEGV, [](SystemCalls& c) { return put(c, UserAddress{0x1000}, "x"), 0; }},
      {"fill over the end", SIGSEGV, [](SystemCalls& c) { return c.fill(buffer(c, 4096), std::byte{1}, 5000), 0; }},
      {"kernel address", SIGSEGV, [](SystemCalls& c) { return get(c, UserAddress{0xFFFF'8000'0000'0000}, 1), 0; }},
      {"store to read-only", SIGSEGV, [&](SystemCalls& c) { return put(c, file(c), "x"), 0; }},
      {"beyond the end of the file", SIGBUS, [&](SystemCalls& c) { return get(c, file(c) + 4096, 1), 0; }},
      {"write to a pipe nobody reads", SIGPIPE,
       [](SystemCalls& c) {
         int p[2];
         c.pipe(p);
         c.close(p[0]);
         return c.write(p[1], buffer(c, 4096), 1), 0;
       }},
  };
  for (const Case& one : cases) {
    ProcessRig rig;
    rig.files["/a"] = "short";
    const int status = rig.run(one.main);
    EXPECT_TRUE(WIFSIGNALED(status)) << one.what;
    EXPECT_EQ(WTERMSIG(status), one.signal) << one.what;
    EXPECT_EQ(rig.frames_in_use(), 0U) << one.what;
  }
}

TEST(Processes, TheParentSeesThatASignalKilledItsChild) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    calls.fork([](SystemCalls& child, std::span<const std::byte>) { return get(child, UserAddress{8}, 1), 0; }, {});
    int status = 0;
    EXPECT_GT(calls.wait(-1, status), 0);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGSEGV);
    return 0;
  });
}

TEST(Processes, AnAccessedMappingThatIsTruncatedIsABusError) {
  ProcessRig rig;
  rig.files["/a"] = std::string(8192, 'x');
  const int status = rig.run([](SystemCalls& calls) {
    const int fd = static_cast<int>(calls.open("/a", O_RDWR));
    const auto at = static_cast<UserAddress>(calls.mmap(UserAddress::Null, 8192, PROT_READ, MAP_SHARED, fd, 0));
    EXPECT_EQ(calls.ftruncate(fd, 100), 0);
    int p[2];
    calls.pipe(p);
    EXPECT_EQ(calls.write(p[1], at + 4096, 1), -EFAULT);  // in a system call it is an error, not a signal
    get(calls, at + 4096, 1);
    return 0;
  });
  EXPECT_EQ(WTERMSIG(status), SIGBUS);
}

TEST(Processes, AForkedChildInheritsThePlacement) {
  ProcessRig rig{2};
  rig.scheduler.spawn("init", [&] {
    rig.processes.wait_for(rig.processes.start("parent",
                                               [&](SystemCalls& calls) {
                                                 ProcessRig* const us = &rig;
                                                 calls.fork(
                                                     [](SystemCalls&, std::span<const std::byte> argument) {
                                                       ProcessRig* its_rig = nullptr;
                                                       std::memcpy(&its_rig, argument.data(), sizeof its_rig);
                                                       const sched::Placement placement =
                                                           its_rig->scheduler.current()->placement();
                                                       return placement.core == 1U && placement.batch ? 7 : 8;
                                                     },
                                                     std::as_bytes(std::span{&us, 1}));
                                                 int status = 0;
                                                 calls.wait(-1, status);
                                                 EXPECT_EQ(WEXITSTATUS(status), 7);
                                                 return 0;
                                               },
                                               {.core = 1, .batch = true}));
  });
  rig.fake.run_all();
}

TEST(Processes, TwoThatComputeShareACoreFairly) {
  ProcessRig rig;
  std::vector<int> order;
  rig.scheduler.spawn("init", [&] {
    std::vector<Process*> started;
    for (int i = 0; i < 2; ++i) {
      started.push_back(&rig.processes.start("worker", [&order, i](SystemCalls& calls) {
        for (int k = 0; k < 10; ++k) {
          calls.compute(1'000'000);
          order.push_back(i);
        }
        return 0;
      }));
    }
    for (Process* process : started) rig.processes.wait_for(*process);
  });
  rig.fake.run_all();
  ASSERT_EQ(order.size(), 20U);
  // Whoever is over its slice of 3 ms loses the core at the next tick, every 4 ms, unless it has had less than the
  // other.
  std::size_t longest = 0;
  for (std::size_t i = 0, run = 0; i < order.size(); ++i) {
    run = i > 0 && order[i] == order[i - 1] ? run + 1 : 1;
    longest = std::max(longest, run);
  }
  EXPECT_GE(longest, 3U);
  EXPECT_LE(longest, 8U);
}

TEST(Processes, OnTwoCoresTheyRunAtOnceInTheirOwnAddressSpaces) {
  ProcessRig rig{2};
  rig.scheduler.spawn("init", [&] {
    std::vector<Process*> started;
    for (const char* text : {"one", "two", "six"}) {
      started.push_back(&rig.processes.start(text, [text](SystemCalls& calls) {
        const UserAddress at = buffer(calls, 4096);
        put(calls, at, text);
        calls.compute(5'000'000);
        EXPECT_EQ(get(calls, at, 3), text);
        return 0;
      }));
    }
    for (Process* process : started) EXPECT_EQ(rig.processes.wait_for(*process), 0);
  });
  rig.fake.run_all();
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

int compute_and_touch(SystemCalls& calls, std::span<const std::byte>) {
  calls.compute(2'000'000);
  calls.fill(buffer(calls, 8 * 4096), std::byte{1}, 8 * 4096);
  return 0;
}

TEST(Usage, TimeIsTheUsersOrTheSystemsAndNotThatOfASleep) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    std::int64_t began = 0;
    std::int64_t used = 0;
    EXPECT_EQ(calls.clock_gettime(CLOCK_MONOTONIC, began), 0);
    calls.compute(3'000'000);
    calls.nanosleep(10'000'000);
    calls.fill(buffer(calls, 16 * 4096), std::byte{1}, 16 * 4096);
    kernel_sim::ResourceUsage usage;
    EXPECT_EQ(calls.getrusage(RUSAGE_SELF, usage), 0);
    EXPECT_EQ(calls.clock_gettime(CLOCK_PROCESS_CPUTIME_ID, used), 0);
    std::int64_t now = 0;
    EXPECT_EQ(calls.clock_gettime(CLOCK_MONOTONIC, now), 0);
    EXPECT_GE(now - began, 13'000'000);
    EXPECT_LT(used, 5'000'000);
    EXPECT_GE(usage.user_ns, 3'000'000);
    EXPECT_GT(usage.system_ns, 0);
    EXPECT_LE(usage.user_ns + usage.system_ns, used);
    EXPECT_GE(usage.minor_faults, 16);
    EXPECT_EQ(usage.voluntary_switches, 1);
    EXPECT_EQ(calls.clock_gettime(77, now), -EINVAL);
    EXPECT_EQ(calls.getrusage(5, usage), -EINVAL);
    return 0;
  });
}

TEST(Usage, ChildrenCountOnceTheyWereWaitedFor) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    calls.fork(compute_and_touch, {});
    calls.nanosleep(20'000'000);
    kernel_sim::ResourceUsage usage;
    EXPECT_EQ(calls.getrusage(RUSAGE_CHILDREN, usage), 0);
    EXPECT_EQ(usage.user_ns, 0);
    int status = 0;
    calls.wait(-1, status);
    EXPECT_EQ(calls.getrusage(RUSAGE_CHILDREN, usage), 0);
    EXPECT_GE(usage.user_ns, 2'000'000);
    EXPECT_GE(usage.minor_faults, 8);
    return 0;
  });
}

TEST(Affinity, AProcessGoesToACoreOfItsSetAndSoDoItsChildren) {
  ProcessRig rig{3};
  rig.run([&](SystemCalls& calls) {
    const auto core = [&] { return rig.machine.contexts.current_core(); };
    std::uint64_t cores = 0;
    EXPECT_EQ(calls.sched_getaffinity(0, cores), 8);
    EXPECT_EQ(cores, 7U);
    for (const unsigned wanted : {2U, 1U, 0U, 2U}) {
      EXPECT_EQ(calls.sched_setaffinity(0, std::uint64_t{1} << wanted), 0);
      EXPECT_EQ(core(), wanted);
      calls.nanosleep(1'000'000);
      EXPECT_EQ(core(), wanted);
    }
    EXPECT_EQ(calls.sched_setaffinity(0, 0b1011), 0);  // there is no core 3
    EXPECT_NE(core(), 2U);
    EXPECT_EQ(calls.sched_getaffinity(0, cores), 8);
    EXPECT_EQ(cores, 3U);
    EXPECT_EQ(calls.sched_setaffinity(0, 0b1000), -EINVAL);
    EXPECT_EQ(calls.sched_setaffinity(4711, 1), -ESRCH);
    calls.fork(
        [](SystemCalls& child, std::span<const std::byte>) {
          std::uint64_t mask = 0;
          child.sched_getaffinity(0, mask);
          return static_cast<int>(mask);
        },
        {});
    int status = 0;
    calls.wait(-1, status);
    EXPECT_EQ(status >> 8, 3);
    return 0;
  });
}

}  // namespace
}  // namespace sluice::syscalls
