// SPDX-License-Identifier: Apache-2.0
// An event counter (fs/eventfd.c): a number that writers add to and readers take away.
//
// - A read gives the number and makes it 0; of a semaphore it gives 1 and takes 1 away. It waits while there is 0.
// - A write waits while the sum would reach the largest number, which itself cannot be written.
#pragma once

#include "kernel_sim/fs/file.h"

namespace sluice::fs {

class EventCounter final : public File {
 public:
  enum class Kind : std::uint8_t { Sum, Semaphore };
  /// `flags`: O_RDWR, and O_NONBLOCK.
  EventCounter(sched::Scheduler& scheduler, std::uint64_t initial, Kind kind, int flags);

  /// 8 bytes; EINVAL for a smaller buffer.
  Result<Bytes> read(mm::UserMemory& memory, VirtAddr to, Bytes size, std::uint64_t* offset) override;
  /// EINVAL for a size other than 8.
  Result<Bytes> write(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t* offset) override;
  [[nodiscard]] bool writes_buffer_by_buffer() const override { return true; }
  Result<std::uint64_t> seek(std::int64_t, int) override { return 0; }  // noop_llseek
  Result<kernel_sim::FileStatus> status() override;
  [[nodiscard]] std::int16_t poll() const override;
  sched::WaitQueue* poll_queue() override { return &m_changed; }
  [[nodiscard]] bool takes_pages() const override { return false; }

 private:
  void tell(std::uint32_t events);

  sched::Scheduler& m_scheduler;
  std::uint64_t m_count;
  Kind m_kind;
  sched::WaitQueue m_changed;
};

}  // namespace sluice::fs
