// SPDX-License-Identifier: Apache-2.0
// Event counters and timers: what tests/differential cannot see - waiting, and who is woken.
#include <ctime>
#include <fcntl.h>
#include <poll.h>

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "tests/kernel_sim/syscalls/process_rig.h"

namespace sluice::syscalls {
namespace {

constexpr std::uint64_t kLargest = ~std::uint64_t{0};

int fd_of(SystemCalls::Value value) { return static_cast<int>(value); }

SystemCalls::Value add(SystemCalls& calls, int fd, UserAddress at, std::uint64_t number) {
  calls.store(at, std::as_bytes(std::span{&number, 1}));
  return calls.write(fd, at, sizeof number);
}

/// The number that a read gave, or the error.
std::int64_t take(SystemCalls& calls, int fd, UserAddress at) {
  const SystemCalls::Value read = calls.read(fd, at, 8);
  if (read != 8) return read;
  std::uint64_t number = 0;
  calls.load(at, std::as_writable_bytes(std::span{&number, 1}));
  return static_cast<std::int64_t>(number);
}

int add_one_later(SystemCalls& calls, std::span<const std::byte> arguments) {
  int fd = 0;
  std::memcpy(&fd, arguments.data(), sizeof fd);
  calls.nanosleep(1'000'000);
  return add(calls, fd, buffer(calls, 4096), 1) == 8 ? 0 : 1;
}

int take_later(SystemCalls& calls, std::span<const std::byte> arguments) {
  int fd = 0;
  std::memcpy(&fd, arguments.data(), sizeof fd);
  calls.nanosleep(1'000'000);
  return take(calls, fd, buffer(calls, 4096)) > 0 ? 0 : 1;
}

TEST(EventCounter, AReaderSleepsUntilSomethingIsAdded) {
  ProcessRig rig;
  EXPECT_EQ(rig.run([&](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    const int fd = fd_of(calls.eventfd(0, 0));
    calls.fork(add_one_later, std::as_bytes(std::span{&fd, 1}));
    const Picoseconds began = rig.machine.cpu.now();
    EXPECT_EQ(take(calls, fd, at), 1);
    EXPECT_GE(rig.machine.cpu.now() - began, 1_ms);
    return 0;
  }),
            0);
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

TEST(EventCounter, AWriterSleepsWhileItsSumWouldOverflow) {
  ProcessRig rig;
  rig.run([&](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    const int fd = fd_of(calls.eventfd(0, 0));
    EXPECT_EQ(add(calls, fd, at, kLargest), -EINVAL);
    EXPECT_EQ(add(calls, fd, at, kLargest - 1), 8);
    calls.fork(take_later, std::as_bytes(std::span{&fd, 1}));
    const Picoseconds began = rig.machine.cpu.now();
    EXPECT_EQ(add(calls, fd, at, 1), 8);
    EXPECT_GE(rig.machine.cpu.now() - began, 1_ms);
    EXPECT_EQ(take(calls, fd, at), 1);
    return 0;
  });
}

TEST(EventCounter, ASemaphoreGivesOneAtATime) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    const int fd = fd_of(calls.eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC));
    EXPECT_EQ(calls.fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
    EXPECT_EQ(calls.fcntl(fd, F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(take(calls, fd, at), 1);
    EXPECT_EQ(take(calls, fd, at), 1);
    EXPECT_EQ(take(calls, fd, at), -EAGAIN);
    EXPECT_EQ(calls.eventfd(0, 2), -EINVAL);
    return 0;
  });
}

TEST(EventCounter, AListOfBuffersIsWrittenOneByOne) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    const int fd = fd_of(calls.eventfd(0, EFD_NONBLOCK));
    EXPECT_EQ(add(calls, fd, at, 5), 8);
    const std::array<kernel_sim::IoVector, 3> list = {{{at, 8}, {at, 0}, {at, 8}}};
    EXPECT_EQ(calls.writev(fd, list), 16);
    const std::array<kernel_sim::IoVector, 2> empty_first = {{{at, 0}, {at, 8}}};
    EXPECT_EQ(calls.writev(fd, empty_first), -EINVAL);
    const std::array<kernel_sim::IoVector, 2> halves = {{{at, 4}, {at + 4, 4}}};
    EXPECT_EQ(calls.readv(fd, halves), 8);
    EXPECT_EQ(take(calls, fd, at), -EAGAIN);
    return 0;
  });
}

TEST(EventCounter, EveryAdditionIsAnEdge) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    const int fd = fd_of(calls.eventfd(0, EFD_NONBLOCK));
    const int epoll = fd_of(calls.epoll_create1(0));
    const kernel_sim::EpollEvent event{static_cast<std::uint32_t>(EPOLLIN) | EPOLLET, 7};
    calls.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    std::vector<kernel_sim::EpollEvent> events;
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(calls.epoll_wait(epoll, events, 4, 0), 0);
      EXPECT_EQ(add(calls, fd, at, 1), 8);
      EXPECT_EQ(calls.epoll_wait(epoll, events, 4, 0), 1);
    }
    return 0;
  });
}

constexpr std::int64_t kMs = 1'000'000;

TEST(TimerFile, AReaderSleepsUntilItExpires) {
  ProcessRig rig;
  rig.run([&](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    const int fd = fd_of(calls.timerfd_create(CLOCK_MONOTONIC, 0));
    const Picoseconds began = rig.machine.cpu.now();
    EXPECT_EQ(calls.timerfd_settime(fd, 0, {.value = 3 * kMs, .interval = 0}, nullptr), 0);
    EXPECT_EQ(take(calls, fd, at), 1);
    EXPECT_GE(rig.machine.cpu.now() - began, 3_ms);
    EXPECT_LT(rig.machine.cpu.now() - began, 3_ms + 50_us);  // unlike a sleep it has no slack
    std::array<kernel_sim::PollEntry, 1> entry = {{{fd, POLLIN, 0}}};
    EXPECT_EQ(calls.poll(entry, 5), 0);
    return 0;
  });
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

TEST(TimerFile, WhatExpiredMeanwhileIsCountedByTheNextRead) {
  ProcessRig rig;
  rig.run([&](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    const int fd = fd_of(calls.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
    EXPECT_EQ(take(calls, fd, at), -EAGAIN);
    EXPECT_EQ(calls.timerfd_settime(fd, 0, {.value = kMs, .interval = 2 * kMs}, nullptr), 0);
    calls.nanosleep(6 * kMs);
    EXPECT_EQ(take(calls, fd, at), 3);  // after 1, 3 and 5 ms
    EXPECT_EQ(take(calls, fd, at), -EAGAIN);
    kernel_sim::TimerSetting left;
    EXPECT_EQ(calls.timerfd_gettime(fd, left), 0);
    EXPECT_EQ(left.interval, 2 * kMs);
    EXPECT_GT(left.value, 0);
    EXPECT_LT(left.value, kMs);
    calls.nanosleep(2 * kMs);
    EXPECT_EQ(take(calls, fd, at), 1);
    return 0;
  });
}

TEST(TimerFile, AnAbsoluteTimeInThePastExpiresAtOnceAndANewSettingForgetsIt) {
  ProcessRig rig;
  rig.run([&](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    const int fd = fd_of(calls.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
    calls.nanosleep(2 * kMs);
    EXPECT_EQ(calls.timerfd_settime(fd, TFD_TIMER_ABSTIME, {.value = kMs, .interval = 0}, nullptr), 0);
    calls.nanosleep(1000);
    kernel_sim::TimerSetting before{1, 1};
    EXPECT_EQ(calls.timerfd_settime(fd, 0, {.value = 3'600'000 * kMs, .interval = 7}, &before), 0);
    EXPECT_EQ(before.value, 0);
    EXPECT_EQ(take(calls, fd, at), -EAGAIN);
    EXPECT_EQ(calls.timerfd_settime(fd, 0, {}, &before), 0);
    EXPECT_GT(before.value, 3'599'000 * kMs);
    EXPECT_EQ(before.interval, 7);
    EXPECT_EQ(calls.timerfd_settime(fd, 4, {}, nullptr), -EINVAL);
    EXPECT_EQ(calls.timerfd_settime(fd, 0, {.value = -1, .interval = 0}, nullptr), -EINVAL);
    EXPECT_EQ(calls.timerfd_settime(77, 0, {}, nullptr), -EBADF);
    EXPECT_EQ(calls.timerfd_gettime(fd_of(calls.eventfd(0, 0)), before), -EINVAL);
    EXPECT_EQ(calls.timerfd_create(77, 0), -EINVAL);
    EXPECT_EQ(calls.write(fd, at, 8), -EINVAL);
    EXPECT_EQ(calls.read(fd, at, 7), -EINVAL);
    return 0;
  });
}

TEST(TimerFile, EachExpirationIsAnEdgeOnceTheOneBeforeWasRead) {
  ProcessRig rig;
  rig.run([&](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    const int fd = fd_of(calls.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
    const int epoll = fd_of(calls.epoll_create1(0));
    const kernel_sim::EpollEvent event{static_cast<std::uint32_t>(EPOLLIN) | EPOLLET, 7};
    calls.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    calls.timerfd_settime(fd, 0, {.value = kMs, .interval = kMs}, nullptr);
    std::vector<kernel_sim::EpollEvent> events;
    EXPECT_EQ(calls.epoll_wait(epoll, events, 4, 100), 1);
    EXPECT_EQ(calls.epoll_wait(epoll, events, 4, 5), 0);  // it stands until it is read
    EXPECT_GE(take(calls, fd, at), 5);
    EXPECT_EQ(calls.epoll_wait(epoll, events, 4, 100), 1);
    return 0;
  });
}

}  // namespace
}  // namespace sluice::syscalls
