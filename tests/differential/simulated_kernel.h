// SPDX-License-Identifier: Apache-2.0
// The parts of the simulated kernel that system calls reach, on the fake machine with a disk in host memory.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "kernel_sim/block/request_queue.h"
#include "kernel_sim/drivers/loopback.h"
#include "kernel_sim/fs/file_system.h"
#include "kernel_sim/kernel_config.h"
#include "kernel_sim/net/stack.h"
#include "kernel_sim/syscalls/process_table.h"
#include "tests/differential/program.h"
#include "tests/support/fake_machine.h"
#include "tests/support/memory_disk.h"

namespace sluice::differential {

/// What a program runs on.
struct Surroundings {
  Bytes memory = 64_MiB;
  Bytes disk = kSmallDisk;
  int descriptors = kMostDescriptors;
  unsigned processes = 4096;
};

class SimulatedKernel {
 public:
  using FileSizes = std::array<std::uint64_t, kFiles>;
  explicit SimulatedKernel(const FileSizes& file_sizes, const Surroundings& surroundings = {});
  ~SimulatedKernel();
  SimulatedKernel(const SimulatedKernel&) = delete;
  SimulatedKernel& operator=(const SimulatedKernel&) = delete;

  /// Runs one program and all that it forks. Returns its status in wait's encoding.
  /// Throws tests::Blocked when a task waits for what never comes, or still waits when `limit` has passed.
  int run(const syscalls::ProcessTable::Main& main, std::optional<Picoseconds> limit = {});
  [[nodiscard]] double now_ms() const { return static_cast<double>(m_fake.time().count()) / 1e9; }
  [[nodiscard]] bool overlapping_copy() const { return m_fake.overlapping_copies() > 0; }
  /// After run: what is wrong with the memory; empty when nothing is.
  std::string check_memory();

 private:
  void place_files(const FileSizes& file_sizes);

  Surroundings m_surroundings;
  kernel_sim::KernelConfig m_config;
  tests::FakeMachine m_fake;
  hal::Machine m_machine;
  mm::FrameAllocator m_frames;
  sched::Scheduler m_scheduler;
  tests::MemoryDisk m_disk;
  block::RequestQueue m_queue;
  std::unique_ptr<fs::FileSystem> m_files;
  std::unique_ptr<net::Stack> m_network;
  std::unique_ptr<drivers::Loopback> m_loopback;
  ipc::PipeSystem m_pipes;
  syscalls::ProcessTable m_processes;
};

}  // namespace sluice::differential
