// SPDX-License-Identifier: Apache-2.0
// All processes, what they share, and their beginning and end.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel_sim/ipc/pipe.h"
#include "kernel_sim/mm/mm_config.h"
#include "kernel_sim/net/socket.h"
#include "kernel_sim/syscalls/call_record.h"
#include "kernel_sim/syscalls/process.h"
#include "kernel_sim/syscalls/syscall_config.h"

namespace sluice::syscalls {

/// The subsystems that system calls reach.
struct Services {
  hal::Machine& machine;
  base::Ledger& ledger;
  sched::Scheduler& scheduler;
  mm::FrameAllocator& frames;
  const mm::MmConfig& mm_config;
  ipc::PipeSystem& pipes;
  std::function<Result<std::shared_ptr<fs::File>>(std::string_view path, int flags, int mode)> open;
  std::function<Result<void>(std::string_view path)> unlink;
  /// AF_INET; `type`: SOCK_STREAM or SOCK_DGRAM.
  std::function<Result<std::shared_ptr<net::Socket>>(int type, int flags)> create_socket;
  /// AF_UNIX: one that is not connected, and a pair.
  std::function<std::shared_ptr<net::Socket>(int flags)> create_unix_socket;
  std::function<std::pair<std::shared_ptr<fs::File>, std::shared_ptr<fs::File>>(int flags)> create_socket_pair;
};

class ProcessTable {
 public:
  using Main = std::function<int(kernel_sim::SystemCalls&)>;

  ProcessTable(Services services, const SyscallConfig& config) : m_services(std::move(services)), m_config(config) {}

  /// A process with an empty address space and no descriptors, whose first gets the number `first_descriptor`. Its
  /// children inherit the placement.
  Process& start(std::string name, Main main, sched::Placement placement = {}, unsigned first_descriptor = 0);
  /// fork: as `parent`, with shared file descriptions and copy-on-write memory.
  Result<Process*> fork(Process& parent, Main main);
  /// For a kernel task: sleeps until the process has ended and returns its status.
  int wait_for(Process& process);
  /// wait(2). ECHILD, EINTR.
  Result<Process*> wait_for_child(Process& parent, Pid pid);
  /// kill(2). EINVAL, ESRCH.
  Result<void> kill(const Process& sender, Pid pid, int signal);

  /// The process of the current task; null in kernel tasks.
  [[nodiscard]] Process* current() const;
  [[nodiscard]] const Services& services() const { return m_services; }
  [[nodiscard]] const SyscallConfig& config() const { return m_config; }
  [[nodiscard]] mm::FaultCounts faults() const;
  [[nodiscard]] static Usage usage_of(const Process& process);
  /// Null when there is none of that number that has not ended.
  [[nodiscard]] const Process* find(Pid pid) const;
  /// All that there have been, in the order of their making.
  [[nodiscard]] std::vector<const Process*> processes() const;

  CallCounts counts;
  TraceSink trace;  ///< empty: no tracing

 private:
  Process& add(std::string name, Process* parent, FileTable files, std::unique_ptr<mm::AddressSpace> memory);
  void run(Process& process, Main main, sched::Placement placement);
  int run_main(Process& process, const Main& main);
  void end(Process& process, int status);
  void send(Process& process, int signal);
  void tell_parent(Process& process);
  /// Nobody waits for an ended child any more.
  void reap(Process& child);

  Services m_services;
  const SyscallConfig& m_config;
  std::vector<std::unique_ptr<Process>> m_processes;
  mm::FaultCounts m_faults_of_ended;
  unsigned m_present = 0;  // that have not ended, or that nobody has waited for
  Pid m_next_pid = 2;      // 1 is init, which stays in the kernel
};

}  // namespace sluice::syscalls
