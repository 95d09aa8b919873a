// SPDX-License-Identifier: Apache-2.0
// The system calls of the simulated kernel, as one process makes them. Each call: into kernel mode, the work, a chance
// for other tasks, back to user mode. What goes wrong comes back as -errno; fatal signals end the process.
#pragma once

#include <memory>

#include "kernel_sim/fs/event_poll.h"
#include "kernel_sim/syscalls/process_table.h"
#include "kernel_sim/system_calls.h"

namespace sluice::fs {
class TimerFile;
}

namespace sluice::syscalls {

class SimulatedSystemCalls final : public kernel_sim::SystemCalls {
 public:
  using UserAddress = kernel_sim::UserAddress;
  using Endpoint = kernel_sim::Endpoint;

  SimulatedSystemCalls(ProcessTable& table, Process& process) : m_table(table), m_process(process) {}

  /// One holder of an open file description less; the last one closes it.
  static void release(std::shared_ptr<fs::File> file);

  // --- files (files.cpp) ----------------------------------------------------------------------------------------
  Value open(std::string_view path, int flags, int mode) override;
  Value close(int fd) override;
  Value unlink(std::string_view path) override;
  Value read(int fd, UserAddress buffer, std::uint64_t size) override;
  Value write(int fd, UserAddress buffer, std::uint64_t size) override;
  Value pread(int fd, UserAddress buffer, std::uint64_t size, std::int64_t offset) override;
  Value pwrite(int fd, UserAddress buffer, std::uint64_t size, std::int64_t offset) override;
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

  // --- between descriptors (transfer.cpp) -----------------------------------------------------------------------
  Value sendfile(int out_fd, int in_fd, std::int64_t* offset, std::uint64_t size) override;
  Value copy_file_range(int in_fd, std::int64_t* in_offset, int out_fd, std::int64_t* out_offset, std::uint64_t size,
                        unsigned flags) override;
  Value splice(int in_fd, std::int64_t* in_offset, int out_fd, std::int64_t* out_offset, std::uint64_t size,
               unsigned flags) override;
  Value tee(int in_fd, int out_fd, std::uint64_t size, unsigned flags) override;
  Value vmsplice(int fd, UserAddress buffer, std::uint64_t size, unsigned flags) override;
  Value pipe(int fds[2], int flags) override;

  // --- memory, and the program's own work (memory.cpp) ------------------------------------------------------------
  Value mmap(UserAddress hint, std::uint64_t size, int protection, int flags, int fd, std::int64_t offset) override;
  Value munmap(UserAddress address, std::uint64_t size) override;
  Value mprotect(UserAddress address, std::uint64_t size, int protection) override;
  Value mincore(UserAddress address, std::uint64_t size, std::vector<std::uint8_t>& residency) override;
  Value mremap(UserAddress old_address, std::uint64_t old_size, std::uint64_t new_size, int flags,
               UserAddress new_address) override;
  Value brk(UserAddress end) override;
  Value madvise(UserAddress address, std::uint64_t size, int advice) override;
  void load(UserAddress from, std::span<std::byte> to) override;
  void store(UserAddress to, std::span<const std::byte> from) override;
  void fill(UserAddress to, std::byte value, std::uint64_t size) override;
  void compute(std::uint64_t work) override;

  // --- sockets (sockets.cpp) --------------------------------------------------------------------------------------
  Value socket(int domain, int type, int protocol) override;
  Value socketpair(int domain, int type, int protocol, int fds[2]) override;
  Value connect(int fd, Endpoint peer) override;
  Value bind(int fd, Endpoint local) override;
  Value listen(int fd, int backlog) override;
  Value accept(int fd, Endpoint* peer, int flags) override;
  Value getsockname(int fd, Endpoint& local) override;
  Value getpeername(int fd, Endpoint& peer) override;
  Value setsockopt(int fd, int level, int option, int value) override;
  Value getsockopt(int fd, int level, int option, int& value) override;
  Value send(int fd, UserAddress buffer, std::uint64_t size, int flags) override;
  Value recv(int fd, UserAddress buffer, std::uint64_t size, int flags) override;
  Value sendto(int fd, UserAddress buffer, std::uint64_t size, int flags, const Endpoint* to) override;
  Value recvfrom(int fd, UserAddress buffer, std::uint64_t size, int flags, Endpoint* from) override;
  Value sendmsg(int fd, std::span<const kernel_sim::IoVector> vectors, int flags, const Endpoint* to) override;
  Value recvmsg(int fd, std::span<const kernel_sim::IoVector> vectors, int flags,
                kernel_sim::MessageFlags& message_flags, std::optional<kernel_sim::SocketError>& error,
                Endpoint* from) override;
  Value shutdown(int fd, int how) override;
  Value poll(std::span<kernel_sim::PollEntry> entries, int timeout_ms) override;

  // --- epoll (event_poll.cpp) -------------------------------------------------------------------------------------
  Value epoll_create1(int flags) override;
  Value epoll_ctl(int epfd, int operation, int fd, const kernel_sim::EpollEvent* event) override;
  Value epoll_wait(int epfd, std::vector<kernel_sim::EpollEvent>& events, int most, int timeout_ms) override;

  // --- event counters and timers (event_files.cpp) ------------------------------------------------------------------
  Value eventfd(unsigned initial, int flags) override;
  Value timerfd_create(int clock, int flags) override;
  Value timerfd_settime(int fd, int flags, const kernel_sim::TimerSetting& setting,
                        kernel_sim::TimerSetting* before) override;
  Value timerfd_gettime(int fd, kernel_sim::TimerSetting& setting) override;

  // --- time (time.cpp) --------------------------------------------------------------------------------------------
  Value nanosleep(std::uint64_t duration) override;
  Value clock_gettime(int clock, std::int64_t& time) override;
  Value getrusage(int who, kernel_sim::ResourceUsage& usage) override;

  // --- processes (processes.cpp) ----------------------------------------------------------------------------------
  Value fork(Entry entry, std::span<const std::byte> arguments) override;
  [[noreturn]] void exit(int status) override;
  Value wait(std::int64_t pid, int& status) override;
  Value sched_setaffinity(std::int64_t pid, std::uint64_t cores) override;
  Value sched_getaffinity(std::int64_t pid, std::uint64_t& cores) override;

  // --- signals (signal_calls.cpp) ---------------------------------------------------------------------------------
  Value getpid() override;
  Value sigaction(int signal, kernel_sim::SignalHandler handler, unsigned flags) override;
  Value kill(std::int64_t pid, int signal) override;
  int next_signal() override;
  void signal_handled(int signal) override;

 protected:
  Value missing(Call which) override;

 private:
  using FilePointer = std::shared_ptr<fs::File>;

  /// The frame of every call (calls.h): counts, modes, trace. `work` gives Result<integer>; `arguments` text.
  template <class Arguments, class Work>
  Value call(Call which, Arguments&& arguments, Work&& work);
  void enter(Call which);
  void leave();
  void trace(Call which, std::string arguments, Value result, Picoseconds begin) const;
  [[noreturn]] void die(int signal);
  /// The signals of the process have changed.
  void note_signals();
  void end_if_killed();
  /// EPIPE from a pipe or socket sends SIGPIPE, which ends a program that does nothing about it.
  Result<Bytes> or_broken_pipe(Result<Bytes> result);

  Result<FilePointer> file_to_read(int fd) const;
  Result<FilePointer> file_to_write(int fd) const;
  /// EBADF for what was opened with O_PATH as well.
  Result<FilePointer> file(int fd) const;
  Result<FilePointer> file_or_path(int fd) const;
  Result<std::shared_ptr<net::Socket>> socket_of(int fd) const;
  /// ESRCH, and EPERM for another process than the caller.
  Result<void> check_own(std::int64_t pid) const;
  [[nodiscard]] std::uint64_t all_cores() const;
  Result<std::shared_ptr<fs::TimerFile>> timer_of(int fd) const;
  /// Two descriptors or none.
  Result<Value> install_two(FilePointer first, FilePointer second, bool close_on_exec, int fds[2]);
  Result<Value> install(FilePointer file, bool close_on_exec, int at_least = 0);
  Result<Value> control(fs::File& description, int command, std::int64_t argument);
  /// Between the descriptor's look-up and the file: one range for all buffers. Nothing to move is 0 at once.
  Result<Bytes> read_vectors(fs::File& from, std::span<const kernel_sim::IoVector> vectors, std::uint64_t* offset);
  Result<Bytes> write_vectors(fs::File& to, std::span<const kernel_sim::IoVector> vectors, std::uint64_t* offset);
  Result<Value> unix_socket(int type, int protocol);
  /// What send and sendto have in common; `to` may be null.
  Result<Bytes> send_message(int fd, UserAddress buffer, std::uint64_t size, int flags, const Endpoint* to);
  Result<Bytes> send_through(net::Socket& socket, mm::UserMemory& from, VirtAddr at, Bytes size, int flags,
                             const Endpoint* to);
  Result<Bytes> receive_message(int fd, UserAddress buffer, std::uint64_t size, int flags, net::MessageInfo& info);
  Result<Bytes> receive_vectors(net::Socket& from, std::span<const kernel_sim::IoVector> vectors, int flags,
                                net::MessageInfo& info, std::optional<kernel_sim::SocketError>& error);
  ipc::Pipe& internal_pipe();
  Result<Value> splice_between(const FilePointer& in, std::int64_t* in_offset, const FilePointer& out,
                               std::int64_t* out_offset, Bytes size, unsigned flags);
  Result<Value> copy_range(fs::File& in, std::int64_t* in_offset, fs::File& out, std::int64_t* out_offset,
                           std::uint64_t size);
  Result<Value> send_file(const FilePointer& in, std::int64_t* offset, const FilePointer& out, Bytes size);
  Result<Value> poll_until(std::span<kernel_sim::PollEntry> entries, int timeout_ms);
  Result<std::vector<kernel_sim::EpollEvent>> wait_for_events(fs::EventPoll& epoll, std::size_t most, int timeout_ms);
  struct MapArguments {
    VirtAddr hint;
    Bytes size;
    int protection;
    int flags;
    std::uint64_t offset;
  };
  Result<std::shared_ptr<mm::MappedObject>> object_to_map(fs::File& file, const MapArguments& arguments) const;
  Result<std::shared_ptr<mm::MappedObject>> huge_pages_to_map(const MapArguments& arguments) const;
  int poll_once(std::span<kernel_sim::PollEntry> entries, std::vector<sched::WaitQueue*>& queues);
  void after_access(mm::FaultOutcome outcome);

  [[nodiscard]] const Services& services() const { return m_table.services(); }
  [[nodiscard]] mm::UserMemory& memory() { return *m_process.user_memory; }

  ProcessTable& m_table;
  Process& m_process;
};

}  // namespace sluice::syscalls
