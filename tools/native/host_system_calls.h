// SPDX-License-Identifier: Apache-2.0
// The interface of a program to its kernel, on the Linux that this process runs on.
//
//   HostSystemCalls calls{{.root = "/tmp/files"}};
//   int status = run_as_process(calls, [&](SystemCalls& c) { return sendfile(c, request, region); });
//
// - Every call is the system call itself: no library wrapper changes an argument or a result.
// - Addresses are addresses of this process. load, store and fill touch them directly; one that cannot be resolved
//   raises SIGSEGV or SIGBUS, which ends the process. Programs therefore run in a process of their own (process.h).
// - Calls are counted where they enter the interface, over all processes forked from the one that made this object.
#pragma once

#include <array>
#include <atomic>
#include <filesystem>
#include <optional>
#include <string>

#include <sys/types.h>

#include "kernel_sim/syscalls/call_record.h"
#include "kernel_sim/syscalls/signals.h"
#include "kernel_sim/system_calls.h"
#include "tools/native/shared.h"

namespace sluice::native {

using kernel_sim::SystemCalls;

struct HostOptions {
  /// Folder of the host that programs see as "/". Empty: the host's own root. A path with ".." can lead out of it.
  std::filesystem::path root = {};
  /// TCP_CONGESTION of every new socket, e.g. "reno", which every user may choose; empty: the host's default.
  std::string congestion_control = {};
};

class HostSystemCalls : public SystemCalls {
 public:
  /// Finds out how long a unit of compute takes, once per process (a few milliseconds).
  explicit HostSystemCalls(HostOptions options = {});

  /// Calls by name and mode switches as the simulated kernel counts them: one when a call enters, one when it returns.
  [[nodiscard]] syscalls::CallCounts counts() const;

  Value open(std::string_view path, int flags, int mode) override;
  Value close(int fd) override;
  Value unlink(std::string_view path) override;
  Value read(int fd, kernel_sim::UserAddress buffer, std::uint64_t size) override;
  Value write(int fd, kernel_sim::UserAddress buffer, std::uint64_t size) override;
  Value pread(int fd, kernel_sim::UserAddress buffer, std::uint64_t size, std::int64_t offset) override;
  Value pwrite(int fd, kernel_sim::UserAddress buffer, std::uint64_t size, std::int64_t offset) override;
  Value readv(int fd, std::span<const kernel_sim::IoVector> vectors) override;
  Value writev(int fd, std::span<const kernel_sim::IoVector> vectors) override;
  Value preadv(int fd, std::span<const kernel_sim::IoVector> vectors, std::int64_t offset) override;
  Value pwritev(int fd, std::span<const kernel_sim::IoVector> vectors, std::int64_t offset) override;
  Value lseek(int fd, std::int64_t offset, int whence) override;
  Value fstat(int fd, kernel_sim::FileStatus& status) override;
  Value ioctl(int fd, std::uint64_t request, int& value) override;
  Value ftruncate(int fd, std::int64_t size) override;
  Value fsync(int fd) override;
  Value posix_fadvise(int fd, std::int64_t offset, std::int64_t size, int advice) override;
  Value fcntl(int fd, int command, std::int64_t argument) override;
  Value dup(int fd) override;
  Value dup3(int fd, int new_fd, int flags) override;

  Value sendfile(int out_fd, int in_fd, std::int64_t* offset, std::uint64_t size) override;
  Value copy_file_range(int in_fd, std::int64_t* in_offset, int out_fd, std::int64_t* out_offset, std::uint64_t size,
                        unsigned flags) override;
  Value splice(int in_fd, std::int64_t* in_offset, int out_fd, std::int64_t* out_offset, std::uint64_t size,
               unsigned flags) override;
  Value tee(int in_fd, int out_fd, std::uint64_t size, unsigned flags) override;
  Value vmsplice(int fd, kernel_sim::UserAddress buffer, std::uint64_t size, unsigned flags) override;
  Value pipe(int fds[2], int flags) override;

  Value mmap(kernel_sim::UserAddress hint, std::uint64_t size, int protection, int flags, int fd,
             std::int64_t offset) override;
  Value munmap(kernel_sim::UserAddress address, std::uint64_t size) override;
  Value mprotect(kernel_sim::UserAddress address, std::uint64_t size, int protection) override;
  Value mincore(kernel_sim::UserAddress address, std::uint64_t size, std::vector<std::uint8_t>& residency) override;
  Value mremap(kernel_sim::UserAddress old_address, std::uint64_t old_size, std::uint64_t new_size, int flags,
               kernel_sim::UserAddress new_address) override;
  Value brk(kernel_sim::UserAddress end) override;
  Value madvise(kernel_sim::UserAddress address, std::uint64_t size, int advice) override;

  Value socket(int domain, int type, int protocol) override;
  Value socketpair(int domain, int type, int protocol, int fds[2]) override;
  Value connect(int fd, kernel_sim::Endpoint peer) override;
  Value bind(int fd, kernel_sim::Endpoint local) override;
  Value listen(int fd, int backlog) override;
  Value accept(int fd, kernel_sim::Endpoint* peer, int flags) override;
  Value getsockname(int fd, kernel_sim::Endpoint& local) override;
  Value getpeername(int fd, kernel_sim::Endpoint& peer) override;
  Value setsockopt(int fd, int level, int option, int value) override;
  Value getsockopt(int fd, int level, int option, int& value) override;
  Value send(int fd, kernel_sim::UserAddress buffer, std::uint64_t size, int flags) override;
  Value recv(int fd, kernel_sim::UserAddress buffer, std::uint64_t size, int flags) override;
  Value sendto(int fd, kernel_sim::UserAddress buffer, std::uint64_t size, int flags,
               const kernel_sim::Endpoint* to) override;
  Value recvfrom(int fd, kernel_sim::UserAddress buffer, std::uint64_t size, int flags,
                 kernel_sim::Endpoint* from) override;
  Value sendmsg(int fd, std::span<const kernel_sim::IoVector> vectors, int flags,
                const kernel_sim::Endpoint* to) override;
  Value recvmsg(int fd, std::span<const kernel_sim::IoVector> vectors, int flags,
                kernel_sim::MessageFlags& message_flags, std::optional<kernel_sim::SocketError>& error,
                kernel_sim::Endpoint* from) override;
  Value shutdown(int fd, int how) override;
  Value poll(std::span<kernel_sim::PollEntry> entries, int timeout_ms) override;

  Value epoll_create1(int flags) override;
  Value epoll_ctl(int epfd, int operation, int fd, const kernel_sim::EpollEvent* event) override;
  Value epoll_wait(int epfd, std::vector<kernel_sim::EpollEvent>& events, int most, int timeout_ms) override;

  Value eventfd(unsigned initial, int flags) override;
  Value timerfd_create(int clock, int flags) override;
  Value timerfd_settime(int fd, int flags, const kernel_sim::TimerSetting& setting,
                        kernel_sim::TimerSetting* before) override;
  Value timerfd_gettime(int fd, kernel_sim::TimerSetting& setting) override;

  Value nanosleep(std::uint64_t duration) override;
  Value clock_gettime(int clock, std::int64_t& time) override;
  Value getrusage(int who, kernel_sim::ResourceUsage& usage) override;
  Value sched_setaffinity(std::int64_t pid, std::uint64_t cores) override;
  Value sched_getaffinity(std::int64_t pid, std::uint64_t& cores) override;

  /// The child is killed when its parent ends, so that no process outlives a run.
  Value fork(Entry entry, std::span<const std::byte> arguments) override;
  [[noreturn]] void exit(int status) override;
  Value wait(std::int64_t pid, int& status) override;
  Value getpid() override;
  Value sigaction(int signal, kernel_sim::SignalHandler handler, unsigned flags) override;
  Value kill(std::int64_t pid, int signal) override;
  int next_signal() override;
  void signal_handled(int signal) override;

  void load(kernel_sim::UserAddress from, std::span<std::byte> to) override;
  void store(kernel_sim::UserAddress to, std::span<const std::byte> from) override;
  void fill(kernel_sim::UserAddress to, std::byte value, std::uint64_t size) override;
  void compute(std::uint64_t work) override;

  /// Of one program, with those that it forks, at the same time.
  static constexpr std::size_t kMostProcesses = 4096;
  /// The program's process has ended, and so have those that it forked: nobody may be killed.
  void forget_processes();
  /// So many may be killed.
  [[nodiscard]] std::size_t known_processes() const;

 protected:
  /// The program leaves its own code for a call, or (without one) to touch its memory or to compute.
  virtual void leaves_program(std::optional<syscalls::Call> /*call*/) {}
  /// It is back.
  virtual void enters_program() {}

  /// A process was forked, or waited for: who may be killed, and not a stranger with the same number.
  void joins(pid_t process);
  void leaves(pid_t process);

  /// In a child of fork: its own signals.
  void forget_signals();

  template <class Work>
  Value call(syscalls::Call which, Work&& work);
  void enter(syscalls::Call which);

 private:
  /// What a call is answered that a signal interrupted.
  Value interrupted(syscalls::Call which);
  void take_noted();

  struct Counters {
    std::array<std::atomic<std::uint64_t>, syscalls::kCalls> entered{};
    std::atomic<std::uint64_t> returned{};
    std::array<std::atomic<pid_t>, kMostProcesses> family{};  // process ids, 0 where there is none
  };

  [[nodiscard]] std::string host_path(std::string_view path) const;
  struct HostAddress;
  /// Names of AF_UNIX lie in the root folder, and abstract ones begin with its path: no other run has them.
  [[nodiscard]] HostAddress host_address(const kernel_sim::Endpoint& endpoint) const;
  [[nodiscard]] kernel_sim::Endpoint program_address(const HostAddress& address) const;

  HostOptions m_options;
  Shared<Counters> m_counters;
  syscalls::Signals m_signals;  ///< those that the program handles itself, as the simulated kernel keeps them
};

}  // namespace sluice::native
