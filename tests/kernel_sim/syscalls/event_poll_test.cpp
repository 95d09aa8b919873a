// SPDX-License-Identifier: Apache-2.0
// epoll: what tests/differential cannot see - waiting, who is woken, and what is left when files go.
#include <fcntl.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include "tests/kernel_sim/syscalls/process_rig.h"

namespace sluice::syscalls {
namespace {

using kernel_sim::EpollEvent;

int fd_of(SystemCalls::Value value) { return static_cast<int>(value); }

SystemCalls::Value watch(SystemCalls& calls, int epoll, int fd, std::uint32_t events) {
  const EpollEvent event{events, static_cast<std::uint64_t>(fd)};
  return calls.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

/// The data of the events, which is the descriptor.
std::vector<std::uint64_t> ready(SystemCalls& calls, int epoll, int most = 16, int timeout_ms = 0) {
  std::vector<EpollEvent> events;
  const SystemCalls::Value count = calls.epoll_wait(epoll, events, most, timeout_ms);
  EXPECT_EQ(count, std::ssize(events));
  std::vector<std::uint64_t> data;
  for (const EpollEvent& event : events) data.push_back(event.data);
  return data;
}

using Data = std::vector<std::uint64_t>;

int write_to_first(SystemCalls& calls, std::span<const std::byte> arguments) {
  int fd = 0;
  std::memcpy(&fd, arguments.data(), sizeof fd);
  calls.nanosleep(1'000'000);
  calls.write(fd, buffer(calls, 4096), 1);
  return 0;
}

TEST(EventPoll, AWaiterSleepsUntilAWatchedFileIsReady) {
  ProcessRig rig;
  EXPECT_EQ(rig.run([&](SystemCalls& calls) {
    int ends[2];
    calls.pipe(ends, 0);
    const int epoll = fd_of(calls.epoll_create1(0));
    EXPECT_EQ(watch(calls, epoll, ends[0], EPOLLIN), 0);
    const Picoseconds began = rig.machine.cpu.now();
    EXPECT_EQ(ready(calls, epoll, 16, 10), Data{});
    EXPECT_GE(rig.machine.cpu.now() - began, 10_ms);
    calls.fork(write_to_first, std::as_bytes(std::span{&ends[1], 1}));
    EXPECT_EQ(ready(calls, epoll, 16, -1), Data{static_cast<std::uint64_t>(ends[0])});
    int status = 0;
    calls.wait(-1, status);
    return 0;
  }),
            0);
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

TEST(EventPoll, LevelTriggeredFilesTakeTurns) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    const int epoll = fd_of(calls.epoll_create1(0));
    std::vector<std::uint64_t> all;
    for (int i = 0; i < 3; ++i) {
      int ends[2];
      calls.pipe(ends, 0);
      watch(calls, epoll, ends[0], EPOLLIN);
      calls.write(ends[1], at, 1);
      all.push_back(static_cast<std::uint64_t>(ends[0]));
    }
    EXPECT_EQ(ready(calls, epoll, 2), (Data{all[0], all[1]}));
    EXPECT_EQ(ready(calls, epoll, 2), (Data{all[2], all[0]}));
    EXPECT_EQ(ready(calls, epoll, 8), (Data{all[1], all[2], all[0]}));
    return 0;
  });
}

TEST(EventPoll, AWatchEndsWithTheLastCopyOfItsFile) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    const int epoll = fd_of(calls.epoll_create1(0));
    int ends[2];
    calls.pipe(ends, 0);
    watch(calls, epoll, ends[0], EPOLLIN);
    calls.write(ends[1], at, 1);
    const int copy = fd_of(calls.dup(ends[0]));
    calls.close(ends[0]);
    EXPECT_EQ(ready(calls, epoll), Data{static_cast<std::uint64_t>(ends[0])});
    calls.close(copy);
    EXPECT_EQ(ready(calls, epoll), Data{});
    // The number is free for another file, which is not watched.
    int others[2];
    calls.pipe(others, 0);
    EXPECT_EQ(others[0], ends[0]);
    EXPECT_EQ(calls.epoll_ctl(epoll, EPOLL_CTL_DEL, others[0]), -ENOENT);
    EXPECT_EQ(watch(calls, epoll, others[0], EPOLLIN), 0);
    return 0;
  });
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

int wait_for_one(SystemCalls& calls, std::span<const std::byte> arguments) {
  int fds[2];
  std::memcpy(fds, arguments.data(), sizeof fds);
  const int epoll = fd_of(calls.epoll_create1(0));
  const EpollEvent event{static_cast<std::uint32_t>(fds[1]) | EPOLLIN, 0};
  calls.epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event);
  std::vector<EpollEvent> events;
  return static_cast<int>(calls.epoll_wait(epoll, events, 1, 20));
}

/// Of two processes that wait with instances of their own, how many a write to the pipe wakes.
int woken_of_two(std::uint32_t flag) {
  ProcessRig rig;
  int woken = 0;
  rig.run([&](SystemCalls& calls) {
    int ends[2];
    calls.pipe(ends, 0);
    const int arguments[2] = {ends[0], static_cast<int>(flag)};
    for (int i = 0; i < 2; ++i) calls.fork(wait_for_one, std::as_bytes(std::span{arguments}));
    calls.nanosleep(1'000'000);
    calls.write(ends[1], buffer(calls, 4096), 1);
    for (int i = 0; i < 2; ++i) {
      int status = 0;
      calls.wait(-1, status);
      woken += status >> 8;
    }
    return 0;
  });
  return woken;
}

TEST(EventPoll, OfExclusiveWaitersOneIsWoken) {
  EXPECT_EQ(woken_of_two(0), 2);
  EXPECT_EQ(woken_of_two(EPOLLEXCLUSIVE), 1);
}

TEST(EventPoll, InstancesWatchEachOtherFiveDeepAndInNoCircle) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    std::vector<int> chain;
    for (int i = 0; i < 6; ++i) chain.push_back(fd_of(calls.epoll_create1(0)));
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(watch(calls, chain[i], chain[i + 1], EPOLLIN), 0);
    EXPECT_EQ(watch(calls, chain[4], chain[5], EPOLLIN), -ELOOP);
    EXPECT_EQ(watch(calls, chain[4], chain[0], EPOLLIN), -ELOOP);
    EXPECT_EQ(watch(calls, chain[0], chain[0], EPOLLIN), -EINVAL);
    int ends[2];
    calls.pipe(ends, 0);
    EXPECT_EQ(watch(calls, chain[4], ends[0], EPOLLIN), 0);
    EXPECT_EQ(ready(calls, chain[0]), Data{});
    calls.write(ends[1], buffer(calls, 4096), 1);
    EXPECT_EQ(ready(calls, chain[0]), Data{static_cast<std::uint64_t>(chain[1])});
    return 0;
  });
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

}  // namespace
TEST(EventPoll, AnInstanceIsNothingToReadOrWriteWhateverTheBuffer) {
  ProcessRig rig;
  EXPECT_EQ(rig.run([&](SystemCalls& calls) {
    const int epoll = fd_of(calls.epoll_create1(0));
    constexpr UserAddress kNowhere = static_cast<UserAddress>(~std::uint64_t{0});
    EXPECT_EQ(calls.read(epoll, kNowhere, 1), -EINVAL);
    EXPECT_EQ(calls.write(epoll, kNowhere, 1), -EINVAL);
    EXPECT_EQ(calls.readv(epoll, {}), -EINVAL);
    EXPECT_EQ(calls.writev(epoll, {}), -EINVAL);
    EXPECT_EQ(calls.read(77, kNowhere, 1), -EBADF);
    return 0;
  }),
            0);
}

}  // namespace sluice::syscalls
