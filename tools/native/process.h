// SPDX-License-Identifier: Apache-2.0
// Programs in processes of their own, so that a fault ends the program and nothing else.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>

#include <sys/types.h>

#include "tools/native/host_system_calls.h"

namespace sluice::native {

/// Where and how a process is scheduled.
struct Placement {
  std::optional<int> cpu;  ///< the only core that it runs on
  bool batch = false;      ///< SCHED_BATCH: it does not preempt others when it wakes up
};

struct ProcessOptions {
  Placement placement = {};
  /// A program that runs longer is killed: its status is SIGKILL's.
  std::optional<std::chrono::milliseconds> time_limit = {};
};

/// Runs `main` in a forked process and waits for its end. Returns its status in wait's encoding.
/// - SIGSEGV, SIGBUS and SIGPIPE end the process, whatever this one does with them; no core is written.
/// - Files are created with the mode asked for (umask 0), as in the simulated kernel.
/// - The process, and those that it forks, end when their parents end.
/// - Descriptors open here are open there too, so the numbers that the program gets start after them.
/// InputError when there can be no process, or the core does not exist.
int run_as_process(HostSystemCalls& calls, const std::function<int(SystemCalls&)>& main,
                   const ProcessOptions& options = {});

/// Forks a process that runs `main` under the rules above. The caller waits for it with wait_for_process.
pid_t start_process(const std::function<int()>& main, const Placement& placement);
/// The status of an ended child, which is reaped; nothing when `limit` passed first.
std::optional<int> wait_for_process(pid_t pid, std::optional<std::chrono::milliseconds> limit);
/// Which of these children has ended, without reaping it; nothing when `limit` passed first.
std::optional<std::size_t> wait_for_any(std::span<const pid_t> processes, std::chrono::milliseconds limit);
/// Ends a child and reaps it. Returns its status.
int kill_process(pid_t pid);

/// InputError when this process may not use the core.
void check(const Placement& placement);
/// In a child: the signals' ordinary effect, no core file, files with the mode asked for, and its placement.
void become_program(const Placement& placement);
/// In a child: the kernel kills this process when `parent` ends.
void end_with_parent(pid_t parent);

}  // namespace sluice::native
