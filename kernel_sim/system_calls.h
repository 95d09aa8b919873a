// SPDX-License-Identifier: Apache-2.0
// The abstract interface of a program to its kernel. A program written against it runs on the simulated kernel and on
// the host's Linux unchanged.
//
// - Every call returns what Linux's system call returns: a value >= 0, or a negated error number.
// - Flags and constants are Linux's own (<fcntl.h>, <sys/mman.h>, <sys/socket.h>, ...).
// - Memory is named by address in the program's own address space and touched only through load, store and fill.
//   A program never dereferences an address. An access that the kernel cannot resolve ends the task (SIGSEGV, SIGBUS).
// - fork takes a plain function and a copy of its arguments, for host-compiled code cannot return twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::kernel_sim {

/// An address in the program's own address space.
enum class UserAddress : std::uint64_t { Null = 0 };
constexpr UserAddress operator+(UserAddress a, std::uint64_t n) {
  return static_cast<UserAddress>(static_cast<std::uint64_t>(a) + n);
}

struct FileStatus {
  std::uint64_t size = 0;
  std::uint32_t mode = 0;  ///< as st_mode
  std::uint32_t block_size = 0;
};
/// An IPv4 endpoint in host byte order.
struct Endpoint {
  std::uint32_t address = 0;
  std::uint16_t port = 0;
};
struct PollEntry {
  int fd = -1;
  std::int16_t events = 0;
  std::int16_t returned = 0;
};

class SystemCalls {
 public:
  using Value = std::int64_t;  ///< >= 0, or -errno
  /// Runs in the child; its return value is the exit status. `arguments` is the child's own copy.
  using Entry = int (*)(SystemCalls& calls, std::span<const std::byte> arguments);

  virtual ~SystemCalls() = default;

  // --- files ----------------------------------------------------------------------------------------------------
  virtual Value open(std::string_view path, int flags, int mode = 0) = 0;
  virtual Value close(int fd) = 0;
  virtual Value read(int fd, UserAddress buffer, std::uint64_t size) = 0;
  virtual Value write(int fd, UserAddress buffer, std::uint64_t size) = 0;
  virtual Value pread(int fd, UserAddress buffer, std::uint64_t size, std::int64_t offset) = 0;
  virtual Value pwrite(int fd, UserAddress buffer, std::uint64_t size, std::int64_t offset) = 0;
  virtual Value lseek(int fd, std::int64_t offset, int whence) = 0;
  virtual Value fstat(int fd, FileStatus& status) = 0;
  virtual Value ftruncate(int fd, std::int64_t size) = 0;
  virtual Value fsync(int fd) = 0;
  virtual Value posix_fadvise(int fd, std::int64_t offset, std::int64_t size, int advice) = 0;
  virtual Value fcntl(int fd, int command, std::int64_t argument = 0) = 0;
  virtual Value dup(int fd) = 0;

  // --- moving bytes between descriptors ---------------------------------------------------------------------------
  /// `offset` may be null; else it is read and advanced, and the file position stays.
  virtual Value sendfile(int out_fd, int in_fd, std::int64_t* offset, std::uint64_t size) = 0;
  virtual Value splice(int in_fd, std::int64_t* in_offset, int out_fd, std::int64_t* out_offset, std::uint64_t size,
                       unsigned flags) = 0;
  virtual Value tee(int in_fd, int out_fd, std::uint64_t size, unsigned flags) = 0;
  virtual Value vmsplice(int fd, UserAddress buffer, std::uint64_t size, unsigned flags) = 0;
  /// fds[0] reads, fds[1] writes.
  virtual Value pipe(int fds[2], int flags = 0) = 0;

  // --- memory -----------------------------------------------------------------------------------------------------
  /// Returns the address, or -errno.
  virtual Value mmap(UserAddress hint, std::uint64_t size, int protection, int flags, int fd, std::int64_t offset) = 0;
  virtual Value munmap(UserAddress address, std::uint64_t size) = 0;
  virtual Value madvise(UserAddress address, std::uint64_t size, int advice) = 0;

  // --- sockets (AF_INET, SOCK_STREAM) -------------------------------------------------------------------------------
  virtual Value socket(int domain, int type, int protocol) = 0;
  virtual Value connect(int fd, Endpoint peer) = 0;
  virtual Value bind(int fd, Endpoint local) = 0;
  virtual Value listen(int fd, int backlog) = 0;
  virtual Value accept(int fd, Endpoint* peer, int flags = 0) = 0;
  virtual Value getsockname(int fd, Endpoint& local) = 0;
  virtual Value setsockopt(int fd, int level, int option, int value) = 0;
  virtual Value send(int fd, UserAddress buffer, std::uint64_t size, int flags) = 0;
  virtual Value recv(int fd, UserAddress buffer, std::uint64_t size, int flags) = 0;
  virtual Value shutdown(int fd, int how) = 0;
  virtual Value poll(std::span<PollEntry> entries, int timeout_ms) = 0;

  // --- processes ------------------------------------------------------------------------------------------------
  /// Returns the child's process id to the parent.
  virtual Value fork(Entry entry, std::span<const std::byte> arguments) = 0;
  [[noreturn]] virtual void exit(int status) = 0;
  /// Waits for any child (-1) or one; `status` is in wait's encoding.
  virtual Value wait(std::int64_t pid, int& status) = 0;

  // --- the program's own work -------------------------------------------------------------------------------------
  virtual void load(UserAddress from, std::span<std::byte> to) = 0;
  virtual void store(UserAddress to, std::span<const std::byte> from) = 0;
  virtual void fill(UserAddress to, std::byte value, std::uint64_t size) = 0;
  /// Computes for `work` units; a unit is about a nanosecond of a core at nominal frequency.
  virtual void compute(std::uint64_t work) = 0;
};

/// Marks around what is measured. Marks are not calls: they cost nothing and no kernel sees them.
class Measurement {
 public:
  virtual ~Measurement() = default;
  virtual void begin() = 0;
  /// The transfer of file number `index` starts now (its latency runs from here to its last byte at the peer).
  virtual void file_begins(std::uint64_t index) = 0;
  virtual void end() = 0;
};

}  // namespace sluice::kernel_sim
