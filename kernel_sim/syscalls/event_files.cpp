// SPDX-License-Identifier: Apache-2.0
// Files that tell of events: counters and timers.
#include <ctime>
#include <fcntl.h>

#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "kernel_sim/fs/event_counter.h"
#include "kernel_sim/fs/timer_file.h"
#include "kernel_sim/syscalls/calls.h"

namespace sluice::syscalls {

using fmt::format;

kernel_sim::SystemCalls::Value SimulatedSystemCalls::eventfd(unsigned initial, int flags) {
  return call(
      Call::Eventfd, [&] { return format("{}, {}", initial, eventfd_flags(flags)); },
      [&]() -> Result<Value> {
        if ((flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK)) != 0) return base::refuse(EINVAL);
        const auto kind =
            (flags & EFD_SEMAPHORE) != 0 ? fs::EventCounter::Kind::Semaphore : fs::EventCounter::Kind::Sum;
        auto counter =
            std::make_shared<fs::EventCounter>(services().scheduler, initial, kind, O_RDWR | (flags & EFD_NONBLOCK));
        return install(std::move(counter), (flags & EFD_CLOEXEC) != 0);
      });
}

/// There is one clock for timers.
kernel_sim::SystemCalls::Value SimulatedSystemCalls::timerfd_create(int clock, int flags) {
  return call(
      Call::TimerfdCreate, [&] { return format("{}, {}", clock_name(clock), timerfd_flags(flags)); },
      [&]() -> Result<Value> {
        if ((flags & ~(TFD_CLOEXEC | TFD_NONBLOCK)) != 0 || clock != CLOCK_MONOTONIC) return base::refuse(EINVAL);
        auto timer =
            std::make_shared<fs::TimerFile>(services().machine, services().scheduler, O_RDWR | (flags & TFD_NONBLOCK));
        return install(std::move(timer), (flags & TFD_CLOEXEC) != 0);
      });
}

Result<std::shared_ptr<fs::TimerFile>> SimulatedSystemCalls::timer_of(int fd) const {
  const Result<FilePointer> found = file(fd);
  if (!found) return tl::unexpected{found.error()};
  auto timer = std::dynamic_pointer_cast<fs::TimerFile>(*found);
  if (timer == nullptr) return base::refuse(EINVAL);
  return timer;
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::timerfd_settime(int fd, int flags,
                                                                     const kernel_sim::TimerSetting& setting,
                                                                     kernel_sim::TimerSetting* before) {
  return call(
      Call::TimerfdSettime,
      [&] {
        return format("{}, {}, {}, {}", fd, timer_flags(flags), timer_setting(setting),
                      before == nullptr ? "NULL" : timer_setting(*before));
      },
      [&]() -> Result<void> {
        constexpr int kFlags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
        if ((flags & ~kFlags) != 0 || setting.value < 0 || setting.interval < 0) return base::refuse(EINVAL);
        const auto timer = timer_of(fd);
        if (!timer) return tl::unexpected{timer.error()};
        const kernel_sim::TimerSetting old = (*timer)->set(setting, (flags & TFD_TIMER_ABSTIME) != 0);
        if (before != nullptr) *before = old;
        return {};
      });
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::timerfd_gettime(int fd, kernel_sim::TimerSetting& setting) {
  return call(
      Call::TimerfdGettime, [&] { return format("{}, {}", fd, timer_setting(setting)); },
      [&]() -> Result<void> {
        const auto timer = timer_of(fd);
        if (!timer) return tl::unexpected{timer.error()};
        setting = (*timer)->setting();
        return {};
      });
}

}  // namespace sluice::syscalls
