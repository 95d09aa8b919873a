// SPDX-License-Identifier: Apache-2.0
// The kernel: owns the subsystems, boots, runs programs as processes, and accounts for what it did.
//
//   Kernel kernel{machine, ledger, config};
//   kernel.start([](Kernel& k) { status = k.run_program("sendfile", [](SystemCalls& calls) { ... }); });
//   ... let the machine run until nothing is left to happen ...
//   kernel.rethrow_failure(); kernel.blocked_tasks(); kernel.shutdown_check();
#pragma once

#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernel_sim/block/request_queue.h"
#include "kernel_sim/drivers/disk_driver.h"
#include "kernel_sim/drivers/loopback.h"
#include "kernel_sim/drivers/nic_driver.h"
#include "kernel_sim/fs/file_system.h"
#include "kernel_sim/ipc/pipe.h"
#include "kernel_sim/kernel_config.h"
#include "kernel_sim/net/stack.h"
#include "kernel_sim/syscalls/process_table.h"
#include "kernel_sim/system_calls.h"

namespace sluice::kernel_sim {

/// What has been counted since the start; differences say what happened in between.
struct KernelCounts {
  std::map<std::string, std::uint64_t> system_calls;
  std::uint64_t mode_switches = 0;     ///< by system calls, two each
  std::uint64_t context_switches = 0;  ///< see sched::Scheduler::context_switches
  mm::FaultCounts faults;
  std::uint64_t retransmissions = 0;  ///< TCP packets sent again, of all connections
  std::uint64_t drops = 0;  ///< packets that the kernel threw away: no room in a queue, no memory, checksum wrong
};

class Kernel {
 public:
  Kernel(hal::Machine machine, base::Ledger& ledger, const KernelConfig& config);
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  /// Creates the first task, which boots and then runs `main`. Returns before anything of it has run.
  void start(std::function<void(Kernel&)> main);

  // --- within `main` ----------------------------------------------------------------------------------------------
  /// Brings the first `size` bytes of a file into the page cache in no simulated time; `loaded` hears of each page, in
  /// order. ENOENT; ENOMEM when they do not fit.
  Result<void> preload(std::string_view path, const std::function<void(PhysAddr page)>& loaded = {},
                       Bytes size = std::numeric_limits<Bytes>::max());
  /// The file at `path` is seen as "/name" too, as `mount --bind` makes it.
  void bind(std::string name, std::string path) { m_bound[std::move(name)] = std::move(path); }
  using Main = syscalls::ProcessTable::Main;
  /// Starts a program as a process of its own; several may run at once.
  syscalls::Process& start_program(std::string name, Main main, sched::Placement placement = {});
  /// Sleeps until the program has ended. Returns its status in wait's encoding.
  int wait_for(syscalls::Process& process);
  int run_program(std::string name, Main main) { return wait_for(start_program(std::move(name), std::move(main))); }

  // --- at any time ------------------------------------------------------------------------------------------------
  void set_trace(syscalls::TraceSink sink) { m_processes->trace = std::move(sink); }
  [[nodiscard]] KernelCounts counts() const;
  /// As counts(), but calls, mode switches and faults of one process.
  [[nodiscard]] KernelCounts counts_of(const syscalls::Process& process) const;
  /// The process that calls; null in the kernel's own tasks.
  [[nodiscard]] syscalls::Process* current_process() const { return m_processes->current(); }
  /// All that there have been, in the order of their making.
  [[nodiscard]] std::vector<const syscalls::Process*> processes() const { return m_processes->processes(); }
  /// "task NAME waits for WHAT", for every task that has not ended, but background ones.
  [[nodiscard]] std::vector<std::string> blocked_tasks() const;
  /// "exit status 1", "SIGPIPE (Broken pipe)".
  static std::string describe_status(int status);
  /// Throws what ended the first task early: InputError when this machine cannot boot.
  void rethrow_failure() const;

  /// Where the file system of a disk is mounted, the machine's disks counted from 0: the first at the root (""), a
  /// further one at "/" and its name.
  static std::string mount_point(std::size_t disk, const std::string& name) { return disk == 0 ? "" : "/" + name; }
  /// That of the first disk.
  fs::FileSystem& file_system() { return *m_volumes.front().file_system; }
  net::Stack& network() { return *m_network; }
  sched::Scheduler& scheduler() { return m_scheduler; }
  /// Of the first disk.
  [[nodiscard]] const drivers::DiskDriver& disk_driver() const { return *m_volumes.front().driver; }
  /// Of the first network card; null before boot, and on a machine without one.
  [[nodiscard]] const drivers::NicDriver* nic_driver() const { return m_nics.empty() ? nullptr : m_nics[0].get(); }

  /// After the run, once: takes the subsystems down and returns one sentence per breach (frames that leaked, were
  /// freed twice or used when free). With tasks still blocked, what they hold is no leak and is not looked for.
  std::vector<std::string> shutdown_check();

 private:
  /// A disk with the file system on it.
  struct Volume {
    std::string mount_point;  ///< "" of the first one
    std::unique_ptr<drivers::DiskDriver> driver;
    std::unique_ptr<block::RequestQueue> queue;
    std::unique_ptr<fs::FileSystem> file_system;
  };
  /// The driver of each kind of device.
  struct Driver {
    const char* kind;
    void (Kernel::*start)(std::size_t device);
  };
  static const Driver kDrivers[];

  void boot();
  void start_disk(std::size_t device);
  void start_nic(std::size_t device);
  /// The volume on which a path lies; the path becomes one within it. It may become a view of m_bound.
  fs::FileSystem& file_system_of(std::string_view& path);
  [[nodiscard]] KernelCounts with_network(KernelCounts counts) const;

  hal::Machine m_machine;
  base::Ledger& m_ledger;
  KernelConfig m_config;
  mm::FrameAllocator m_frames;
  sched::Scheduler m_scheduler;
  std::vector<Volume> m_volumes;
  std::map<std::string, std::string, std::less<>> m_bound;  // paths by the name at the root
  std::unique_ptr<net::Stack> m_network;
  std::vector<std::unique_ptr<drivers::NicDriver>> m_nics;
  std::unique_ptr<drivers::Loopback> m_loopback;
  ipc::PipeSystem m_pipes;
  std::unique_ptr<syscalls::ProcessTable> m_processes;
  std::exception_ptr m_failure;
};

}  // namespace sluice::kernel_sim
