// SPDX-License-Identifier: Apache-2.0
#include <ctime>

#include <sys/syscall.h>

#include "tools/native/host_call.h"

namespace sluice::native {

using kernel_sim::TimerSetting;
using syscalls::Call;
using Value = SystemCalls::Value;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

timespec to_host(std::int64_t ns) { return {static_cast<time_t>(ns / kSecond), static_cast<long>(ns % kSecond)}; }
std::int64_t from_host(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }
TimerSetting from_host(const itimerspec& setting) {
  return {from_host(setting.it_value), from_host(setting.it_interval)};
}

}  // namespace

Value HostSystemCalls::eventfd(unsigned initial, int flags) {
  return call(Call::Eventfd, [&] { return raw(SYS_eventfd2, initial, flags); });
}

Value HostSystemCalls::timerfd_create(int clock, int flags) {
  return call(Call::TimerfdCreate, [&] { return raw(SYS_timerfd_create, clock, flags); });
}

Value HostSystemCalls::timerfd_settime(int fd, int flags, const TimerSetting& setting, TimerSetting* before) {
  const itimerspec wanted{to_host(setting.interval), to_host(setting.value)};
  itimerspec old{};
  const Value value = call(Call::TimerfdSettime, [&] { return raw(SYS_timerfd_settime, fd, flags, &wanted, &old); });
  if (value >= 0 && before != nullptr) *before = from_host(old);
  return value;
}

Value HostSystemCalls::timerfd_gettime(int fd, TimerSetting& setting) {
  itimerspec found{};
  const Value value = call(Call::TimerfdGettime, [&] { return raw(SYS_timerfd_gettime, fd, &found); });
  if (value >= 0) setting = from_host(found);
  return value;
}

}  // namespace sluice::native
