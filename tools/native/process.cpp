// SPDX-License-Identifier: Apache-2.0
#include "tools/native/process.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string>
#include <unistd.h>
#include <vector>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tools/native/descriptor.h"

namespace sluice::native {

namespace {

void default_signals() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_UNBLOCK, &all, nullptr);
  // Handlers of this process (the tool's for Ctrl-C, a sanitizer's for faults) are not the program's.
  for (const int number : {SIGSEGV, SIGBUS, SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGABRT, SIGCHLD}) {
    std::signal(number, SIG_DFL);
  }
}

void no_core_file() {
  // A limit of 1 byte also stops cores that a pattern pipes to another program; 0 does not (core(5)).
  rlimit limit{};
  getrlimit(RLIMIT_CORE, &limit);
  limit.rlim_cur = std::min<rlim_t>(1, limit.rlim_max);
  setrlimit(RLIMIT_CORE, &limit);
}

void place(const Placement& placement) {
  if (placement.cpu) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(static_cast<std::size_t>(*placement.cpu), &only);
    sched_setaffinity(0, sizeof only, &only);
  }
  if (placement.batch) {
    const sched_param no_priority{};
    sched_setscheduler(0, SCHED_BATCH, &no_priority);
  }
}

}  // namespace

void check(const Placement& placement) {
  if (!placement.cpu) return;
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) throw_host_error("sched_getaffinity", errno);
  const int cpu = *placement.cpu;
  if (cpu < 0 || cpu >= CPU_SETSIZE || !CPU_ISSET(static_cast<std::size_t>(cpu), &allowed)) {
    throw base::InputError{"native: core " + std::to_string(cpu) + " is not among those this process may use"};
  }
}

void become_program(const Placement& placement) {
  default_signals();
  no_core_file();
  umask(0);
  place(placement);
}

void end_with_parent(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // it ended before the line above
}

pid_t start_process(const std::function<int()>& main, const Placement& placement) {
  check(placement);
  const pid_t parent = getpid();
  const pid_t child = ::fork();
  if (child < 0) throw_host_error("fork", errno);
  if (child > 0) return child;
  end_with_parent(parent);
  become_program(placement);
  _exit(main());
}

std::optional<std::size_t> wait_for_any(std::span<const pid_t> processes, std::chrono::milliseconds limit) {
  std::vector<Descriptor> watched;
  std::vector<pollfd> entries;
  for (const pid_t process : processes) {
    watched.emplace_back(static_cast<int>(syscall(SYS_pidfd_open, process, 0)));
    if (watched.back().get() < 0) throw_host_error("pidfd_open", errno);
    entries.push_back({watched.back().get(), POLLIN, 0});
  }
  const auto end = std::chrono::steady_clock::now() + limit;
  do {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    const int wait = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
    if (::poll(entries.data(), entries.size(), wait) <= 0) continue;
    const auto ended = std::find_if(entries.begin(), entries.end(), [](const pollfd& e) { return e.revents != 0; });
    return static_cast<std::size_t>(ended - entries.begin());
  } while (std::chrono::steady_clock::now() < end);
  return std::nullopt;
}

std::optional<int> wait_for_process(pid_t pid, std::optional<std::chrono::milliseconds> limit) {
  if (limit && !wait_for_any({&pid, 1}, *limit)) return std::nullopt;
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) throw_host_error("waitpid", errno);
  }
  return status;
}

int kill_process(pid_t pid) {
  ::kill(pid, SIGKILL);
  return *wait_for_process(pid, std::nullopt);
}

int run_as_process(HostSystemCalls& calls, const std::function<int(SystemCalls&)>& main,
                   const ProcessOptions& options) {
  const pid_t pid = start_process([&] { return main(calls); }, options.placement);
  const std::optional<int> status = wait_for_process(pid, options.time_limit);
  const int ended = status ? *status : kill_process(pid);
  calls.forget_processes();
  return ended;
}

}  // namespace sluice::native
