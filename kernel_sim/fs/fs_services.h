// SPDX-License-Identifier: Apache-2.0
// What the parts of one mounted file system share.
#pragma once

#include <functional>
#include <vector>

#include "kernel_sim/block/request_queue.h"
#include "kernel_sim/fs/fs_config.h"
#include "kernel_sim/fs/space_map.h"
#include "kernel_sim/hal/machine.h"
#include "kernel_sim/mm/frame_allocator.h"
#include "kernel_sim/sched/scheduler.h"
#include "models/base/ledger.h"

namespace sluice::fs {

struct FsStatistics {
  std::uint64_t page_hits = 0;           ///< pages found in the page cache by read and splice
  std::uint64_t page_misses = 0;         ///< that had to be waited for from the disk
  std::uint64_t pages_read = 0;          ///< from the disk into the page cache
  std::uint64_t pages_written = 0;       ///< from the page cache to the disk
  std::uint64_t read_ahead_windows = 0;  ///< windows submitted
  std::uint64_t read_ahead_hits = 0;     ///< markers met, i.e. windows started before they were needed
  std::uint64_t pages_reclaimed = 0;
  std::uint64_t direct_bytes = 0;  ///< moved by O_DIRECT
};

struct Services {
  hal::Machine& machine;
  base::Ledger& ledger;
  mm::FrameAllocator& frames;
  sched::Scheduler& scheduler;
  block::RequestQueue& queue;
  const FsConfig& config;
  std::size_t disk;  ///< on which it lies: index in the machine's list of devices
  SpaceMap space;
  FsStatistics statistics;
  std::uint64_t dirty_pages = 0;                    ///< of all inodes
  sched::WaitQueue flusher;                         ///< woken when there is much to write back
  std::function<void()> release_reservations = {};  ///< of all inodes
  std::vector<std::uint32_t> orphans = {};          ///< inodes without a name that nobody uses any more

  void charge(const CpuCost& cost, std::uint64_t times = 1) { machine.cpu.execute(cost * times, hal::Work::PageCache); }
};

/// Several pieces of I/O that one task waits for.
class IoBatch {
 public:
  explicit IoBatch(Services& services) : m_services(services) {}

  std::unique_ptr<block::Bio> make_bio(block::Direction direction, std::uint64_t first_sector);
  /// EIO when a piece failed.
  Result<void> wait();

 private:
  class Piece;
  Services& m_services;
  unsigned m_pending = 0;
  bool m_failed = false;
  sched::WaitQueue m_waiters;
};

}  // namespace sluice::fs
