// SPDX-License-Identifier: Apache-2.0
// Driver of the disk controller (models/disk/disk_registers.h). It programs registers, and builds commands and
// scatter-gather lists in simulated memory; that is all the controller ever sees of it.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel_sim/block/block_device.h"
#include "kernel_sim/hal/device_registers.h"
#include "kernel_sim/hal/machine.h"
#include "kernel_sim/mm/frame_allocator.h"
#include "kernel_sim/sched/scheduler.h"
#include "models/base/parameters.h"

namespace sluice::drivers {

struct DiskDriverConfig : base::Parameters {
  CpuCost build_command = parameter(build_command, "build_command", CpuCost::time(120_ns),
                                    "building one command, besides its stores", "estimate");
  CpuCost map_segment = parameter(map_segment, "map_segment", CpuCost::time(15_ns),
                                  "each scatter-gather element of a command", "estimate");
  CpuCost handle_completion =
      parameter(handle_completion, "handle_completion", CpuCost::time(80_ns), "each completion entry", "estimate");
  unsigned queue_entries = parameter(queue_entries, "queue_entries", 1024, {2, 4096},
                                     "entries of the submission and completion rings at most",
                                     "Linux drivers/nvme/host/pci.c, io_queue_depth 1024");
};

struct DiskDriverStatistics {
  std::uint64_t commands = 0;
  std::uint64_t doorbells = 0;
  std::uint64_t interrupts = 0;
  std::uint64_t failed_commands = 0;
};

/// - initialise() in the context of a task, before the first request. EIO when no device answers or it does not become
///   ready; every request then fails.
/// - Bus addresses equal physical ones: the driver maps nothing.
class DiskDriver final : public block::BlockDevice {
 public:
  DiskDriver(hal::Machine& machine, const hal::DeviceInfo& device, sched::Scheduler& scheduler,
             mm::FrameAllocator& frames, const DiskDriverConfig& config);
  ~DiskDriver() override;

  Result<void> initialise();

  [[nodiscard]] block::DeviceLimits limits() const override { return m_limits; }
  void start(block::Request& request) override;
  void commit() override;
  [[nodiscard]] const DiskDriverStatistics& statistics() const { return m_statistics; }

 private:
  Result<void> allocate_rings();
  Result<Frame> allocate(Bytes size);
  [[nodiscard]] PhysAddr segment_list_of(unsigned slot) const;
  void handle_interrupt();

  hal::Machine& m_machine;
  sched::Scheduler& m_scheduler;
  mm::FrameAllocator& m_frames;
  const DiskDriverConfig& m_config;
  hal::DeviceRegisters m_registers;
  unsigned m_vector;
  block::DeviceLimits m_limits;
  bool m_ready = false;

  std::uint32_t m_entries = 0;    // of both rings
  std::uint32_t m_tail = 0;       // of the submission ring
  std::uint32_t m_rung_tail = 0;  // as the controller knows it
  std::uint32_t m_head = 0;       // of the completion ring
  std::uint16_t m_phase = 1;      // of the entries that are new
  PhysAddr m_submissions;
  PhysAddr m_completions;
  Bytes m_list_size = 0;                    // bytes of one slot's scatter-gather list
  std::vector<Frame> m_lists;               // each holds kPageSize / m_list_size slots, or is a block for one
  std::vector<block::Request*> m_slots;     // by command id
  std::vector<std::uint16_t> m_free_slots;  // LIFO
  std::vector<Frame> m_owned;               // every allocation, for the destructor
  std::vector<std::byte> m_scratch;         // one scatter-gather list
  DiskDriverStatistics m_statistics;
};

}  // namespace sluice::drivers
