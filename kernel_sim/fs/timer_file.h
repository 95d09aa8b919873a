// SPDX-License-Identifier: Apache-2.0
// A timer as a file (fs/timerfd.c): a read says how often it has expired.
//
// A timer with an interval is armed again when somebody reads or asks for its setting, as in Linux: until then one
// interrupt is all that it costs, and what was missed is counted by division.
#pragma once

#include <memory>
#include <optional>

#include "kernel_sim/fs/file.h"
#include "kernel_sim/hal/machine.h"

namespace sluice::fs {

class TimerFile final : public File, public std::enable_shared_from_this<TimerFile> {
 public:
  using Setting = kernel_sim::TimerSetting;
  /// `flags`: O_RDWR, and O_NONBLOCK.
  TimerFile(hal::Machine& machine, sched::Scheduler& scheduler, int flags);
  ~TimerFile() override;

  /// Returns the setting before. Nothing has expired of the new one.
  Setting set(const Setting& setting, bool absolute);
  Setting setting();

  /// 8 bytes; EINVAL for a smaller buffer. Waits for the next expiration when there was none.
  Result<Bytes> read(mm::UserMemory& memory, VirtAddr to, Bytes size, std::uint64_t* offset) override;
  [[nodiscard]] bool has_write() const override { return false; }
  Result<std::uint64_t> seek(std::int64_t, int) override { return 0; }  // noop_llseek
  Result<kernel_sim::FileStatus> status() override;
  [[nodiscard]] std::int16_t poll() const override;
  sched::WaitQueue* poll_queue() override { return &m_expiration; }
  [[nodiscard]] bool takes_pages() const override { return false; }
  void close() override { disarm(); }

 private:
  [[nodiscard]] std::int64_t now() const;
  [[nodiscard]] std::int64_t remaining() const;
  void arm();
  void disarm();
  void expired();
  std::uint64_t forward();

  hal::Machine& m_machine;
  sched::Scheduler& m_scheduler;
  std::int64_t m_expires = 0;  ///< in nanoseconds since the start
  std::int64_t m_interval = 0;
  std::uint64_t m_expirations = 0;  ///< that nobody has read
  bool m_stopped = false;           ///< it expired, and goes on with the next read
  std::optional<hal::Interrupts::TimerId> m_timer;
  std::uint64_t m_armings = 0;  ///< tells one from the next, for an interrupt that comes too late
  sched::WaitQueue m_expiration;
};

}  // namespace sluice::fs
