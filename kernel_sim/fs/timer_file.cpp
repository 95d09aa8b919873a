// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/fs/timer_file.h"

#include <algorithm>
#include <limits>
#include <poll.h>
#include <utility>

namespace sluice::fs {

namespace {

constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();  // KTIME_MAX
constexpr std::int64_t kLongestWait = 1'000'000'000'000'000;                 // ns; more than a simulation ever lasts

std::int64_t sum(std::int64_t a, std::int64_t b) { return a > kLargest - b ? kLargest : a + b; }

}  // namespace

TimerFile::TimerFile(hal::Machine& machine, sched::Scheduler& scheduler, int flags)
    : File(flags), m_machine(machine), m_scheduler(scheduler) {}

TimerFile::~TimerFile() { disarm(); }

std::int64_t TimerFile::now() const { return static_cast<std::int64_t>(m_machine.cpu.now().count() / 1000); }

/// 0 as well when it has expired.
std::int64_t TimerFile::remaining() const { return std::max<std::int64_t>(m_expires - now(), 0); }

/// timerfd_setup.
TimerFile::Setting TimerFile::set(const Setting& setting, bool absolute) {
  disarm();
  if (m_stopped && m_interval > 0) forward();
  const Setting before{remaining(), m_interval};
  m_stopped = false;
  m_expirations = 0;
  m_interval = setting.interval;
  m_expires = absolute || setting.value == 0 ? setting.value : sum(now(), setting.value);
  if (setting.value != 0) arm();
  return before;
}

TimerFile::Setting TimerFile::setting() {
  if (m_stopped && m_interval > 0) {
    m_stopped = false;
    m_expirations += forward() - 1;
    arm();
  }
  return {remaining(), m_interval};
}

/// hrtimer_forward_now: how often it would have expired since it did.
std::uint64_t TimerFile::forward() {
  const std::int64_t late = now() - m_expires;
  if (late < 0) return 0;
  const std::int64_t times = late / m_interval + 1;
  m_expires = sum(m_expires, times * m_interval);
  return static_cast<std::uint64_t>(times);
}

void TimerFile::arm() {
  const std::int64_t wait = remaining();
  if (wait > kLongestWait) return;
  const std::uint64_t arming = ++m_armings;
  m_timer = m_scheduler.start_timer(1_ns * static_cast<std::uint64_t>(wait), [self = weak_from_this(), arming] {
    const auto file = self.lock();
    if (file != nullptr && file->m_armings == arming) file->expired();
  });
}

void TimerFile::disarm() {
  ++m_armings;
  if (m_timer) m_machine.interrupts.cancel_timer(*std::exchange(m_timer, std::nullopt));
}

void TimerFile::expired() {
  m_timer.reset();
  m_stopped = true;
  ++m_expirations;
  m_expiration.notify(POLLIN);
  m_scheduler.wake_all(m_expiration);
}

Result<Bytes> TimerFile::read(mm::UserMemory& memory, VirtAddr to, Bytes size, std::uint64_t* /*offset*/) {
  if (size < sizeof m_expirations) return refuse(EINVAL);
  while (m_expirations == 0) {
    if (non_blocking()) return refuse(EAGAIN);
    if (m_scheduler.interrupted()) return refuse(EINTR);
    m_scheduler.wait(m_expiration, "the expiration of a timer");
  }
  std::uint64_t expirations = std::exchange(m_expirations, 0);
  if (std::exchange(m_stopped, false) && m_interval > 0) {
    expirations += forward() - 1;
    arm();
  }
  if (!memory.store(to, std::as_bytes(std::span{&expirations, 1}))) return refuse(EFAULT);
  return sizeof expirations;
}

std::int16_t TimerFile::poll() const { return m_expirations > 0 ? POLLIN : 0; }

Result<kernel_sim::FileStatus> TimerFile::status() { return anonymous_status(); }

}  // namespace sluice::fs
