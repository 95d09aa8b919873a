// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/fs/event_counter.h"

#include <limits>
#include <poll.h>

namespace sluice::fs {

namespace {

constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();

}  // namespace

EventCounter::EventCounter(sched::Scheduler& scheduler, std::uint64_t initial, Kind kind, int flags)
    : File(flags), m_scheduler(scheduler), m_count(initial), m_kind(kind) {}

/// As in Linux, what cannot be stored is lost: the count goes first.
Result<Bytes> EventCounter::read(mm::UserMemory& memory, VirtAddr to, Bytes size, std::uint64_t* /*offset*/) {
  if (size < sizeof m_count) return refuse(EINVAL);
  while (m_count == 0) {
    if (non_blocking()) return refuse(EAGAIN);
    if (m_scheduler.interrupted()) return refuse(EINTR);
    m_scheduler.wait(m_changed, "an event counter above 0");
  }
  const std::uint64_t taken = m_kind == Kind::Semaphore ? 1 : m_count;
  m_count -= taken;
  tell(POLLOUT);
  if (!memory.store(to, std::as_bytes(std::span{&taken, 1}))) return refuse(EFAULT);
  return sizeof taken;
}

Result<Bytes> EventCounter::write(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t* /*offset*/) {
  std::uint64_t added = 0;
  if (size != sizeof added) return refuse(EINVAL);
  if (!memory.load(from, std::as_writable_bytes(std::span{&added, 1}))) return refuse(EFAULT);
  if (added == kLargest) return refuse(EINVAL);
  while (kLargest - m_count <= added) {
    if (non_blocking()) return refuse(EAGAIN);
    if (m_scheduler.interrupted()) return refuse(EINTR);
    m_scheduler.wait(m_changed, "room in an event counter");
  }
  m_count += added;
  tell(POLLIN);
  return sizeof added;
}

void EventCounter::tell(std::uint32_t events) {
  m_changed.notify(events);
  m_scheduler.wake_all(m_changed);
}

std::int16_t EventCounter::poll() const {
  const int in = m_count > 0 ? POLLIN : 0;
  const int out = m_count < kLargest - 1 ? POLLOUT : 0;
  return static_cast<std::int16_t>(in | out);  // the count never becomes so large that it were an error
}

Result<kernel_sim::FileStatus> EventCounter::status() { return anonymous_status(); }

}  // namespace sluice::fs
