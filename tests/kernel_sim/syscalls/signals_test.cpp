// SPDX-License-Identifier: Apache-2.0
// What signals do to processes, and to calls that wait.
#include <csignal>
#include <poll.h>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "tests/kernel_sim/syscalls/process_rig.h"

namespace sluice::syscalls {
namespace {

using kernel_sim::SignalHandler;
using Entry = SystemCalls::Entry;

/// The status of a child that runs `entry` and is sent the signal once it waits.
int status_of_killed(SystemCalls& calls, Entry entry, int signal) {
  const auto child = calls.fork(entry, {});
  calls.nanosleep(10'000'000);
  EXPECT_EQ(calls.kill(child, signal), 0);
  int status = -1;
  EXPECT_EQ(calls.wait(child, status), child);
  EXPECT_EQ(calls.kill(child, signal), -ESRCH);
  return status;
}

TEST(Signals, AWriteToAPipeNobodyReadsIsAnErrorOnceSigpipeIsIgnored) {
  ProcessRig rig;
  const int status = rig.run([](SystemCalls& calls) {
    int ends[2];
    calls.pipe(ends);
    calls.close(ends[0]);
    EXPECT_EQ(calls.sigaction(SIGPIPE, SignalHandler::Ignore), 0);
    const UserAddress at = buffer(calls, 4096);
    EXPECT_EQ(calls.write(ends[1], at, 1), -EPIPE);
    EXPECT_EQ(calls.sigaction(SIGPIPE, SignalHandler::Default), 0);
    calls.write(ends[1], at, 1);
    return 0;
  });
  EXPECT_EQ(status, killed_status(SIGPIPE));
}

TEST(Signals, ActionsAreRefusedForWhatIsNoSignalOrCannotBeChanged) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    for (const int signal : {0, 65, -1, SIGKILL, SIGSTOP})
      EXPECT_EQ(calls.sigaction(signal, SignalHandler::Ignore), -EINVAL) << signal;
    EXPECT_EQ(calls.kill(calls.getpid(), 65), -EINVAL);
    EXPECT_EQ(calls.kill(calls.getpid(), 0), 0);
    EXPECT_EQ(calls.kill(12345, 65), -ESRCH);
    EXPECT_EQ(calls.kill(calls.getpid(), SIGCHLD), 0);  // does nothing unless somebody asks for it
    return 0;
  });
}

TEST(Signals, ASignalEndsAProcessThatWaits) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const Entry kWaits[] = {
        [](SystemCalls& c, std::span<const std::byte>) {
          int ends[2];
          c.pipe(ends);
          c.read(ends[0], buffer(c, 4096), 1);
          return 1;
        },
        [](SystemCalls& c, std::span<const std::byte>) {
          int ends[2];
          c.pipe(ends);
          while (c.write(ends[1], buffer(c, 4096), 4096) > 0) {
          }
          return 1;
        },
        [](SystemCalls& c, std::span<const std::byte>) { return c.nanosleep(1'000'000'000'000), 1; },
        [](SystemCalls& c, std::span<const std::byte>) { return c.poll({}, -1), 1; },
        [](SystemCalls& c, std::span<const std::byte>) {
          std::vector<kernel_sim::EpollEvent> events;
          c.epoll_wait(static_cast<int>(c.epoll_create1()), events, 1, -1);
          return 1;
        },
        [](SystemCalls& c, std::span<const std::byte>) {
          c.fork([](SystemCalls& g, std::span<const std::byte>) { return g.nanosleep(50'000'000), 0; }, {});
          int status = 0;
          c.wait(-1, status);
          return 1;
        },
    };
    for (const Entry entry : kWaits) {
      EXPECT_EQ(status_of_killed(calls, entry, SIGTERM), killed_status(SIGTERM));
      EXPECT_EQ(status_of_killed(calls, entry, SIGKILL), killed_status(SIGKILL));
    }
    return 0;
  });
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

TEST(Signals, AnIgnoredSignalDoesNotDisturbAWait) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const auto child = [](SystemCalls& c, std::span<const std::byte>) {
      c.sigaction(SIGTERM, SignalHandler::Ignore);
      EXPECT_EQ(c.nanosleep(50'000'000), 0);
      return 7;
    };
    EXPECT_EQ(status_of_killed(calls, child, SIGTERM), exited_status(7));
    return 0;
  });
}

TEST(Signals, AChildInheritsWhatIsIgnored) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    calls.sigaction(SIGUSR1, SignalHandler::Ignore);
    calls.fork([](SystemCalls& c, std::span<const std::byte>) { return c.kill(c.getpid(), SIGUSR1) == 0 ? 7 : 8; }, {});
    int status = 0;
    calls.wait(-1, status);
    EXPECT_EQ(status, exited_status(7));
    return 0;
  });
}

TEST(Signals, WhoeverIgnoresSigchldWaitsForAllAndFindsNobody) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    calls.sigaction(SIGCHLD, SignalHandler::Ignore);
    for (int i = 0; i < 2; ++i)
      calls.fork([](SystemCalls& c, std::span<const std::byte>) { return c.nanosleep(1'000'000), 0; }, {});
    int status = 0;
    EXPECT_EQ(calls.wait(-1, status), -ECHILD);
    return 0;
  });
}

TEST(Signals, AHandlerInterruptsWhatWaitsAndIsAskedForOnce) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const auto child = [](SystemCalls& c, std::span<const std::byte>) {
      int ends[2];
      c.pipe(ends);
      c.sigaction(SIGUSR1, SignalHandler::Program);
      EXPECT_EQ(c.read(ends[0], buffer(c, 4096), 1), -EINTR);
      EXPECT_EQ(c.next_signal(), SIGUSR1);
      EXPECT_EQ(c.next_signal(), 0);
      EXPECT_EQ(c.kill(c.getpid(), SIGUSR1), 0);
      EXPECT_EQ(c.next_signal(), 0);  // blocked while its handler runs
      c.signal_handled(SIGUSR1);
      EXPECT_EQ(c.next_signal(), SIGUSR1);
      c.signal_handled(SIGUSR1);
      c.sigaction(SIGUSR1, SignalHandler::Program, SA_RESTART | SA_RESETHAND | SA_NODEFER);
      c.kill(c.getpid(), SIGUSR1);
      EXPECT_EQ(c.nanosleep(1'000'000), -EINTR);  // never starts again
      EXPECT_EQ(c.read(ends[0], buffer(c, 4096), 1), SystemCalls::kRestart);
      EXPECT_EQ(c.next_signal(), SIGUSR1);
      c.kill(c.getpid(), SIGUSR1);  // the action is the default one again
      return 1;
    };
    EXPECT_EQ(status_of_killed(calls, child, SIGUSR1), killed_status(SIGUSR1));
    return 0;
  });
}

}  // namespace
}  // namespace sluice::syscalls
