// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/generator.h"

#include <algorithm>
#include <climits>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <random>
#include <unistd.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "tests/differential/socket_steps.h"

namespace sluice::differential {

namespace {

constexpr std::int64_t kPage = 4096;
constexpr std::int64_t kRootPath = 6;  // of kPaths

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : m_engine(seed) {}
  Program program();

 private:
  enum class Content : std::uint8_t { Nothing, File, ReadEnd, WriteEnd, Socket, Epoll, Counter, Timer, UnixSocket };

  // --- chance -------------------------------------------------------------------------------------------------------
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(m_engine() % static_cast<std::uint64_t>(n)); }
  bool one_in(std::int64_t n) { return below(n) == 0; }
  std::int64_t any_of(std::initializer_list<std::int64_t> values) { return values.begin()[below(std::ssize(values))]; }

  // --- arguments ----------------------------------------------------------------------------------------------------
  std::int64_t size();
  std::int64_t finite_size();
  std::int64_t offset();
  std::int64_t wild_offset();
  std::int64_t optional_offset() { return one_in(2) ? kNoOffset : offset(); }
  std::int64_t descriptor(Content wanted);
  std::int64_t any_descriptor();
  std::int64_t new_descriptor(Content content);
  std::int64_t copy_of(std::int64_t slot);
  std::int64_t file_or(Content other) { return descriptor(one_in(3) ? other : Content::File); }
  std::int64_t open_flags();
  std::int64_t splice_flags();
  void memory(std::int64_t& address, std::int64_t& length);

  // --- steps --------------------------------------------------------------------------------------------------------
  void add(Operation operation, std::array<std::int64_t, kMostArguments> arguments = {});
  void add_random();
  void add_on_file();
  void add_vectors(std::int64_t address, std::int64_t length);
  void add_copy();
  void add_on_memory();
  void add_transfer();
  void add_on_descriptor();
  void add_on_socket();
  void add_on_epoll();
  std::int64_t epoll_events();
  void add_on_counter();
  void add_on_timer();
  void add_on_unix_socket();
  void add_on_unix_option(std::int64_t socket);
  void store_number(std::int64_t address);
  void add_on_address(std::int64_t socket);
  std::int64_t talk_script();
  std::int64_t lend_script();
  void add_message(std::int64_t socket, std::int64_t address, std::int64_t length, std::int64_t silent);
  void open_something();
  void map_something();
  std::int64_t memory_advice();
  std::int64_t protection();
  void remap(std::int64_t page, std::int64_t length);
  void add_on_signals();
  void stream();
  void add_dup3();

  std::mt19937_64 m_engine;
  Program m_program;
  std::array<Content, kSlots> m_content{};
  std::array<std::int64_t, kRegions> m_mapped{};  // bytes from the start of each region
  int m_process = 0;
  bool m_forked = false;
  bool m_sockets = false;
  bool m_small_disk = false;
  bool m_epoll = false;
  bool m_counters = false;
  bool m_unix = false;
};

std::int64_t Generator::size() {
  if (one_in(4)) return below(one_in(4) ? 300'000 : 10'000);
  if (one_in(60)) return any_of({INT_MAX, INT64_MAX, -1, std::int64_t{1} << 32, 1 << 20});
  const std::int64_t pages = any_of({0, 0, 1, 1, 1, 2, 3, 4, 15, 16, 16, 17, 32});
  return std::max<std::int64_t>(0, pages * kPage + any_of({0, 0, 0, -1, 1, -512, 512, -2000, 100}));
}

/// A file that is sent onto itself grows for as long as it is sent: each system would end it where its disk ends.
std::int64_t Generator::finite_size() { return std::min<std::int64_t>(size(), 1 << 20); }

std::int64_t Generator::offset() {
  if (one_in(3)) return below(one_in(4) ? 400'000 : 20'000);
  if (one_in(30)) return wild_offset();
  const std::int64_t base = one_in(2) ? below(20) * kPage : static_cast<std::int64_t>(m_program.file_sizes[0]);
  return std::max<std::int64_t>(0, base + any_of({0, 0, 0, -1, 1, -512, 512, 100}));
}

/// Between the largest offset and these lie the limits of file systems, each with its own.
std::int64_t Generator::wild_offset() { return any_of({-1, std::int64_t{1} << 33, -(std::int64_t{1} << 40), -kPage}); }

std::int64_t Generator::descriptor(Content wanted) {
  if (one_in(25)) return any_descriptor();
  std::array<std::int64_t, kSlots> found{};
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < kSlots; ++i) {
    if (m_content[static_cast<std::size_t>(i)] == wanted) found[static_cast<std::size_t>(count++)] = i;
  }
  return count == 0 ? any_descriptor() : found[static_cast<std::size_t>(below(count))];
}

/// Sockets have calls of their own, whose sizes always fit their buffers.
std::int64_t Generator::any_descriptor() {
  const std::int64_t slot = below(kSlots + 2);
  const bool socket = slot < kSlots && m_content[static_cast<std::size_t>(slot)] == Content::Socket;
  return socket ? kNegativeDescriptor : slot;
}

std::int64_t Generator::new_descriptor(Content content) {
  std::int64_t slot = below(kSlots);
  for (int i = 0; i < 4 && m_content[static_cast<std::size_t>(slot)] != Content::Nothing; ++i) slot = below(kSlots);
  m_content[static_cast<std::size_t>(slot)] = content;
  return slot;
}

std::int64_t Generator::copy_of(std::int64_t slot) {
  return new_descriptor(slot < kSlots ? m_content[static_cast<std::size_t>(slot)] : Content::Nothing);
}

std::int64_t Generator::open_flags() {
  std::int64_t flags = any_of({O_RDONLY, O_RDONLY, O_WRONLY, O_RDWR, O_RDWR, O_RDWR});
  if (one_in(40)) flags = O_ACCMODE;
  if (one_in(8)) flags |= O_APPEND;
  if (one_in(12)) flags |= O_TRUNC;
  if (one_in(6)) flags |= O_CREAT;
  if (one_in(20)) flags |= O_EXCL;
  if (one_in(20)) flags |= O_NONBLOCK;
  if (one_in(40)) flags |= O_DIRECTORY;
  if (one_in(40)) flags |= O_CLOEXEC;
  if (one_in(60)) flags |= any_of({O_PATH, O_NOATIME, O_NOFOLLOW, O_SYNC, O_DSYNC, 0x4000'0000});
  return flags;
}

std::int64_t Generator::splice_flags() {
  std::int64_t flags = any_of({0, 0, SPLICE_F_MOVE, SPLICE_F_NONBLOCK, SPLICE_F_MORE, SPLICE_F_GIFT});
  if (one_in(30)) flags |= 0x10;
  return flags;
}

/// A piece of mapped memory for most sizes; now and then it ends beyond what is mapped, or begins at a bad address.
void Generator::memory(std::int64_t& address, std::int64_t& length) {
  length = size();
  if (one_in(50)) {
    address = any_of({kNullAddress, kKernelAddress, kArenaSize - kRegionSize});
    return;
  }
  std::int64_t region = 0;
  for (int i = 0; i < 3 && (region == 0 || m_mapped[static_cast<std::size_t>(region)] == 0); ++i)
    region = below(kRegions - 1);
  const std::int64_t mapped = std::max(m_mapped[static_cast<std::size_t>(region)], kPage);
  std::int64_t at = any_of({0, 0, kPage, kPage - 1, kPage - 100, 1, 8 * kPage, below(100'000)});
  if (one_in(25))
    at = mapped - any_of({1, 100, kPage, kPage + 1, 2 * kPage});  // reaches beyond
  else if (length >= 0 && length > mapped - at) {
    at = std::max<std::int64_t>(0, mapped - length);
    if (length > mapped && !one_in(20)) length = mapped;
  }
  address = region * kRegionSize + std::max<std::int64_t>(at, 0);
}

void Generator::add(Operation operation, std::array<std::int64_t, kMostArguments> arguments) {
  m_program.steps.push_back({operation, m_process, arguments});
}

void Generator::open_something() {
  if (one_in(3)) {
    const std::int64_t read = new_descriptor(Content::ReadEnd);
    const std::int64_t write = new_descriptor(Content::WriteEnd);
    // Blocking pipes are for the calls that say themselves that they do not wait.
    add(Operation::Pipe, {read, write,
                          one_in(40)  ? 0x1000 | O_NONBLOCK
                          : one_in(6) ? O_DIRECT | O_NONBLOCK
                                      : O_NONBLOCK});
    if (one_in(3)) {
      add(Operation::Fcntl,
          {one_in(2) ? read : write, F_SETPIPE_SZ,
           any_of({0, 1, 4096, 4097, 8192, 16384, 65536, 65537, 131072, 1 << 20, (1 << 20) + 1, -1})});
    }
    return;
  }
  if (one_in(12)) {
    const std::int64_t path = one_in(8) ? below(std::ssize(kPaths)) : kRootPath;
    const std::int64_t flags = any_of({O_RDWR, O_RDWR, O_RDWR, O_WRONLY, O_RDONLY, O_RDWR | O_EXCL});
    return add(Operation::Open, {new_descriptor(Content::File), path, O_TMPFILE | flags, 0600});
  }
  const std::int64_t path = one_in(12) ? below(std::ssize(kPaths)) : below(kFiles);
  const std::int64_t flags = open_flags();
  add(Operation::Open, {new_descriptor(Content::File), path, flags, any_of({0644, 0600, 0666})});
}

void Generator::map_something() {
  const std::int64_t region = 1 + below(kRegions - 2);
  const std::int64_t length = one_in(20) ? size() : any_of({1, 4096, 4097, 8192, 16384, 65536, 70000, 262144});
  std::int64_t flags = any_of({MAP_PRIVATE, MAP_SHARED, MAP_SHARED});
  flags |= one_in(20) ? any_of({0, MAP_FIXED_NOREPLACE, MAP_FIXED | MAP_FIXED_NOREPLACE}) : MAP_FIXED;
  if (one_in(4)) flags |= MAP_ANONYMOUS;
  if (one_in(8)) flags |= MAP_POPULATE;
  if (one_in(12)) flags |= any_of({MAP_LOCKED, MAP_NONBLOCK, MAP_NORESERVE, MAP_STACK, MAP_GROWSDOWN});
  if (m_small_disk) flags |= MAP_ANONYMOUS;
  if (one_in(40)) flags = any_of({0, MAP_FIXED, MAP_ANONYMOUS | MAP_FIXED, MAP_SHARED_VALIDATE | MAP_FIXED});
  const std::int64_t from = one_in(20) ? offset() : any_of({0, 0, 0, kPage, 2 * kPage, 16 * kPage});
  const std::int64_t at = region * kRegionSize + any_of({0, 0, 0, 0, kPage, 3 * kPage, one_in(6) ? 100 : 0});
  if (length > 0 && length <= kRegionSize / 2) {
    std::int64_t& mapped = m_mapped[static_cast<std::size_t>(region)];
    mapped = std::max(mapped, at - region * kRegionSize + length);
  }
  add(Operation::Mmap, {at, length, protection(), flags, descriptor(Content::File), from});
}

void Generator::add_on_file() {
  std::int64_t address = 0;
  std::int64_t length = 0;
  memory(address, length);
  if (one_in(5)) return add_vectors(address, length);
  switch (below(9)) {
    case 0:
    case 1:
      return add(Operation::Read, {file_or(Content::ReadEnd), address, length});
    case 2:
    case 3:
      return add(Operation::Write, {file_or(Content::WriteEnd), address, length});
    case 4:
      return add(Operation::Pread, {descriptor(Content::File), address, length, offset()});
    case 5:
      return add(Operation::Pwrite, {descriptor(Content::File), address, length, offset()});
    case 6:
      return add(Operation::Lseek,
                 {descriptor(Content::File), one_in(4) ? -offset() : offset(),
                  one_in(30) ? 9 : any_of({SEEK_SET, SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE})});
    case 7:
      return add(Operation::Ftruncate, {descriptor(Content::File), offset()});
    default:
      if (one_in(10)) return add(Operation::Fsync, {any_descriptor()});
      return add(Operation::Fadvise, {file_or(Content::ReadEnd), offset(), one_in(2) ? 0 : offset(),
                                      any_of({POSIX_FADV_NORMAL, POSIX_FADV_RANDOM, POSIX_FADV_SEQUENTIAL,
                                              POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE, 77})});
  }
}

void Generator::add_vectors(std::int64_t address, std::int64_t length) {
  std::int64_t second = 0;
  std::int64_t more = 0;
  memory(second, more);
  if (one_in(8)) more = one_in(2) ? kNoPiece : 0;
  switch (below(4)) {
    case 0:
      return add(Operation::Readv, {file_or(Content::ReadEnd), address, length, second, more});
    case 1:
      return add(Operation::Writev, {file_or(Content::WriteEnd), address, length, second, more});
    case 2:
      return add(Operation::Preadv, {file_or(Content::File), address, length, second, more, offset()});
    default:
      return add(Operation::Pwritev, {file_or(Content::File), address, length, second, more, offset()});
  }
}

/// Within one file or between two; the file system must not be the one in memory, whose holes go their own way.
void Generator::add_copy() {
  add(Operation::CopyFileRange, {file_or(Content::File), optional_offset(), file_or(Content::File), optional_offset(),
                                 size(), one_in(30) ? SPLICE_F_MOVE : 0});
}

void Generator::add_on_memory() {
  std::int64_t address = 0;
  std::int64_t length = 0;
  memory(address, length);
  const std::int64_t page = address < 0 || one_in(20) ? address : address / kPage * kPage;
  // A load or store at a bad address ends the program: not too often.
  const bool harmless = address >= 0 && length >= 0 && length <= 300'000;
  switch (below(11)) {
    case 0:
      return map_something();
    case 8:
      return remap(page, length);
    case 9:
      return add(Operation::Mincore, {page, length});
    case 10:
      if (one_in(2)) return remap(page, length);
      return add(Operation::Brk, {any_of({0, 1, kPage, 10'000, 20'000}), any_of({0, 1, 0, 100})});
    case 7:
      return add(
          Operation::Mprotect,
          {page, one_in(3) ? length : any_of({1, kPage, 2 * kPage, 16 * kPage}),
           one_in(25) ? any_of({0x10, 0x8, PROT_GROWSDOWN | PROT_READ, PROT_GROWSUP, PROT_GROWSUP | PROT_GROWSDOWN})
                      : protection()});
    case 1:
      return add(Operation::Munmap, {page, one_in(4) ? length : any_of({1, kPage, 2 * kPage})});
    case 2:
      if (one_in(2)) return add(Operation::Madvise, {page, length, one_in(2) ? MADV_DONTNEED : MADV_WILLNEED});
      // Not beyond the arena, where the interpreter's own memory is.
      return add(Operation::Madvise, {page, std::clamp<std::int64_t>(length, 0, 300'000), memory_advice()});
    case 3:
      if (harmless || one_in(4)) add(Operation::Load, {address, std::clamp<std::int64_t>(length, 0, 300'000)});
      return;
    case 4:
      if (harmless) add(Operation::Fill, {address, below(256), length});
      return;
    default:
      if (harmless || one_in(4))
        add(Operation::Store, {address, std::clamp<std::int64_t>(length, 0, 300'000), below(1000)});
  }
}

std::int64_t Generator::protection() {
  return any_of(
      {PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_WRITE, PROT_NONE});
}

std::int64_t Generator::memory_advice() {
  if (one_in(10)) return any_of({77, 7, -1});
  return any_of({MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_FREE, MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK,
                 MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_COLD, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE,
                 MADV_DONTDUMP, MADV_DODUMP, MADV_HUGEPAGE});
}

void Generator::remap(std::int64_t page, std::int64_t length) {
  std::int64_t flags =
      any_of({0, MREMAP_MAYMOVE, MREMAP_MAYMOVE, MREMAP_MAYMOVE | MREMAP_FIXED, MREMAP_MAYMOVE | MREMAP_FIXED,
              MREMAP_MAYMOVE | 4 /* MREMAP_DONTUNMAP */, MREMAP_MAYMOVE | MREMAP_FIXED | 4});
  if (one_in(30)) flags = any_of({MREMAP_FIXED, 4, 8, MREMAP_MAYMOVE | 16});
  const std::int64_t old_size = one_in(3) ? length : any_of({1, kPage, 2 * kPage, 4 * kPage, 16 * kPage, 0});
  const std::int64_t new_size =
      one_in(2) ? old_size : any_of({kPage, 2 * kPage, 5 * kPage, 16 * kPage, 100 * kPage, 0});
  const std::int64_t to =
      (1 + below(kRegions - 2)) * kRegionSize + any_of({0, 0, kPage, 4 * kPage, 16 * kPage, one_in(6) ? 100 : 0});
  add(Operation::Mremap, {page, old_size, new_size, flags, one_in(40) ? any_of({kNullAddress, kKernelAddress}) : to});
}

void Generator::add_on_signals() {
  const auto signal = [this] {
    if (one_in(12)) return any_of({0, 65, -1, SIGKILL, 64});
    return any_of({SIGPIPE, SIGPIPE, SIGUSR1, SIGTERM, SIGINT, SIGCHLD, SIGURG, SIGALRM});
  };
  const std::int64_t sent = signal();
  switch (below(6)) {
    case 0:
      // The end of the first process by SIGKILL is how the harness tells that time ran out.
      if (sent == SIGKILL && m_process == 0) return;
      return add(Operation::Raise, {sent});
    case 1:
      return add(Operation::Kill, {below(kWaits), sent, one_in(3)});
    default:
      return add(Operation::Sigaction, {one_in(20) ? any_of({SIGKILL, SIGSTOP, 0, 65}) : sent, one_in(4) ? 0 : 1,
                                        one_in(4) ? any_of({SA_RESTART, SA_NOCLDWAIT}) : 0});
  }
}

void Generator::stream() {
  const auto piece = [this] { return any_of({100, 1000, kPage, kPage + 1, 3 * kPage, 10'000, 65'536, 100'000}); };
  add(Operation::Stream, {below(kStreamSources), below(300'000), piece(), piece(), any_of({kPage, 2 * kPage, 65'536}),
                          one_in(8) ? below(100'000) : 0});
}

void Generator::add_dup3() {
  const std::int64_t from = any_descriptor();
  const std::int64_t to = any_descriptor();
  if (from < kSlots && to < kSlots) m_content[static_cast<std::size_t>(to)] = m_content[static_cast<std::size_t>(from)];
  add(Operation::Dup3, {from, to, one_in(20) ? O_NONBLOCK : any_of({0, O_CLOEXEC})});
}

void Generator::add_transfer() {
  std::int64_t address = 0;
  std::int64_t length = 0;
  const bool odd = one_in(15);
  if (!m_small_disk && one_in(8)) return add_copy();
  // A file system in memory gives the pipe a page of zeroes for a hole, one on a disk the page that will be written.
  switch (m_small_disk ? 2 + below(4) : below(6)) {
    case 0:
      return add(Operation::Sendfile,
                 {odd ? any_descriptor() : file_or(Content::WriteEnd),
                  odd ? any_descriptor() : descriptor(Content::File), optional_offset(), finite_size()});
    case 1:
      return add(Operation::Splice,
                 {odd ? any_descriptor() : descriptor(Content::File), optional_offset(), descriptor(Content::WriteEnd),
                  one_in(20) ? offset() : kNoOffset, size(), splice_flags()});
    case 2:
      return add(Operation::Splice,
                 {descriptor(Content::ReadEnd), one_in(20) ? offset() : kNoOffset,
                  odd ? any_descriptor() : descriptor(Content::File), optional_offset(), size(), splice_flags()});
    case 3:
      return add(Operation::Splice, {descriptor(Content::ReadEnd), kNoOffset, descriptor(Content::WriteEnd), kNoOffset,
                                     size(), splice_flags()});
    case 4:
      return add(Operation::Tee, {descriptor(Content::ReadEnd), odd ? any_descriptor() : descriptor(Content::WriteEnd),
                                  size(), splice_flags()});
    default:
      memory(address, length);
      // The one call that does not ask whether the descriptor is non-blocking.
      return add(Operation::Vmsplice, {odd         ? any_descriptor()
                                       : one_in(4) ? descriptor(Content::ReadEnd)
                                                   : descriptor(Content::WriteEnd),
                                       address, length, splice_flags() | SPLICE_F_NONBLOCK});
  }
}

void Generator::add_on_descriptor() {
  switch (below(7)) {
    case 0: {
      const std::int64_t slot = any_descriptor();
      if (slot < kSlots) m_content[static_cast<std::size_t>(slot)] = Content::Nothing;
      return add(Operation::Close, {slot});
    }
    case 1:
      return add(Operation::Fstat, {any_descriptor()});
    case 2: {
      const std::int64_t from = any_descriptor();
      if (one_in(4)) return add_dup3();
      if (one_in(2)) return add(Operation::Dup, {copy_of(from), from});
      return add(Operation::DupFrom, {copy_of(from), from, any_of({0, 3, 20, 38, kMostDescriptors, -1}),
                                      one_in(3) ? F_DUPFD_CLOEXEC : F_DUPFD});
    }
    case 3: {
      // Pipes stay non-blocking: whether a call would wait is for poll to say.
      const std::int64_t flags = any_of({O_NONBLOCK, O_APPEND | O_NONBLOCK, O_NONBLOCK | O_TRUNC, O_NONBLOCK | O_RDWR});
      if (one_in(10)) return add(Operation::Fcntl, {file_or(Content::WriteEnd), F_SETFL, O_NONBLOCK | O_ASYNC});
      if (one_in(2)) return add(Operation::Fcntl, {any_descriptor(), F_SETFL, flags | (one_in(8) ? O_NOATIME : 0)});
      return add(Operation::Fcntl, {any_descriptor(),
                                    one_in(20) ? any_of({12345, F_GETOWN, F_GETSIG, F_GETLEASE})
                                               : any_of({F_GETFL, F_GETFL, F_GETFD, F_SETFD}),
                                    one_in(2)});
    }
    case 4:
      if (one_in(2)) return add(Operation::Fcntl, {file_or(Content::ReadEnd), F_GETPIPE_SZ, 0});
      return add(Operation::Fcntl, {descriptor(one_in(2) ? Content::ReadEnd : Content::WriteEnd), F_SETPIPE_SZ,
                                    any_of({4096, 8192, 12288, 65536, 131072})});
    default:
      return add(Operation::Poll,
                 {any_descriptor(), any_of({POLLIN, POLLOUT, POLLIN | POLLOUT, 0, POLLRDNORM | POLLWRNORM | POLLPRI}),
                  any_descriptor(), any_of({POLLIN, POLLOUT, POLLIN | POLLOUT})});
  }
}

/// Little at a time: all of it fits into the buffers, so that nothing is left waiting at the sender.
void Generator::add_on_socket() {
  std::int64_t address = 0;
  std::int64_t length = 0;
  memory(address, length);
  length = std::clamp<std::int64_t>(length, 0, 6000);
  const std::int64_t socket = one_in(30) ? any_descriptor() : descriptor(Content::Socket);
  const std::int64_t silent = one_in(15) ? 0 : MSG_NOSIGNAL;
  if (one_in(6)) return add_on_address(socket);
  if (one_in(8)) return add_message(socket, address, length, silent);
  switch (below(14)) {
    case 0:
    case 1:
    case 2:
      return add(Operation::Send, {socket, address, length, silent | any_of({0, 0, MSG_DONTWAIT, MSG_ZEROCOPY})});
    case 3:
    case 4:
      return add(Operation::Recv, {socket, address, length, any_of({0, MSG_DONTWAIT, MSG_WAITALL, MSG_PEEK})});
    case 5:
      return add(Operation::Recv, {socket, address, length, any_of({MSG_TRUNC, MSG_TRUNC | MSG_PEEK, MSG_ERRQUEUE})});
    case 6:
      if (one_in(3)) {
        return add(one_in(2) ? Operation::Readv : Operation::Writev,
                   {socket, address, length / 2, address + length, length / 3});
      }
      return add(one_in(2) ? Operation::Read : Operation::Write, {socket, address, length});
    case 7:
      return add(Operation::Sendfile, {socket, descriptor(Content::File), optional_offset(), length});
    case 8:
      return add(Operation::Splice, {descriptor(Content::ReadEnd), kNoOffset, socket, kNoOffset, length,
                                     any_of({0, SPLICE_F_NONBLOCK, SPLICE_F_MOVE})});
    case 9:
      return add(Operation::Splice, {socket, one_in(20) ? 0 : kNoOffset, descriptor(Content::WriteEnd), kNoOffset,
                                     length, any_of({0, SPLICE_F_NONBLOCK})});
    case 10:
      return add(Operation::Shutdown, {socket, one_in(20) ? 7 : any_of({SHUT_RD, SHUT_WR, SHUT_WR, SHUT_RDWR})});
    case 11:
      return add(Operation::Poll, {socket, any_of({POLLIN, POLLOUT, POLLIN | POLLOUT, POLLIN | POLLRDHUP}),
                                   descriptor(Content::Socket), any_of({POLLIN, POLLOUT, POLLRDNORM | POLLWRNORM})});
    case 12:
      switch (below(4)) {
        case 0:
          return add(Operation::Connect, {socket});
        case 1:
          return add(Operation::Listen, {socket, below(3)});
        case 2:
          return add(Operation::Accept, {new_descriptor(Content::Nothing), socket});
        default:
          return add(Operation::Socket, {new_descriptor(Content::Socket)});
      }
    default:
      if (one_in(3)) return add(Operation::Fstat, {socket});
      if (one_in(3)) return add(Operation::Pread, {socket, address, length, 0});
      if (one_in(3)) return add(Operation::Fadvise, {socket, 0, 0, POSIX_FADV_NORMAL});
      if (one_in(3)) return add(Operation::Fcntl, {socket, F_GETFL, 0});
      if (socket < kSlots) m_content[static_cast<std::size_t>(socket)] = Content::Nothing;
      return add(Operation::Close, {socket});
  }
}

/// Ports, attempts to connect and options. What a listener takes in is small enough for its queue.
void Generator::add_on_address(std::int64_t socket) {
  const std::int64_t other = descriptor(Content::Socket);
  switch (below(9)) {
    case 0:
    case 1:
      return add(Operation::Bind, {socket, below(kTargets), other});
    case 2:
      return add(Operation::ConnectTo, {socket, other});
    case 3:
      return add(Operation::Listen, {socket, 4 + below(3)});
    case 4:
      return add(Operation::Socket, {new_descriptor(Content::Socket)});
    case 5:
      if (!one_in(3)) return;
      if (one_in(2)) return add(Operation::Lend, {lend_script()});
      return add(Operation::Talk, {talk_script()});
    case 6:
      return add(Operation::Getsockopt, {socket, below(kReadSocketOptions)});
    default:
      return add(Operation::Setsockopt,
                 {socket, below(kSocketOptions),
                  any_of({0, 1, 1, 2, -1, 6, 7, 88, 127, 128, 255, 256, 500, 1000, 32767, 32768, INT_MAX})});
  }
}

std::int64_t Generator::epoll_events() {
  std::int64_t events = any_of({EPOLLIN, EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT, EPOLLIN | EPOLLRDHUP, 0,
                                EPOLLRDNORM | EPOLLPRI, EPOLLWRNORM, EPOLLRDHUP});
  if (one_in(2)) events |= std::int64_t{EPOLLET};
  if (one_in(6)) events |= EPOLLONESHOT;
  if (one_in(12)) events |= EPOLLEXCLUSIVE;
  if (one_in(30)) events |= EPOLLWAKEUP;
  return events;
}

/// What is watched are pipes and sockets, and other instances; now and then what cannot be.
void Generator::add_on_epoll() {
  const auto watched = [this] {
    if (one_in(12)) return any_descriptor();
    if (m_sockets && one_in(2)) return descriptor(Content::Socket);
    if (m_unix && one_in(2)) return descriptor(Content::UnixSocket);
    if (m_counters && one_in(3)) return descriptor(one_in(3) ? Content::Timer : Content::Counter);
    return descriptor(one_in(6) ? Content::Epoll : one_in(2) ? Content::ReadEnd : Content::WriteEnd);
  };
  const std::int64_t instance = descriptor(Content::Epoll);
  switch (below(10)) {
    case 0:
      return add(Operation::EpollCreate, {new_descriptor(Content::Epoll), one_in(8) ? O_NONBLOCK : O_CLOEXEC});
    case 1:
    case 2:
    case 3:
      return add(Operation::EpollControl, {instance, EPOLL_CTL_ADD, watched(), epoll_events(), below(1000)});
    case 4:
      return add(Operation::EpollControl, {instance, EPOLL_CTL_MOD, watched(), epoll_events(), below(1000)});
    case 5:
      return add(Operation::EpollControl,
                 {instance, one_in(8) ? 4 : EPOLL_CTL_DEL, watched(), epoll_events(), below(1000)});
    default:
      return add(Operation::EpollWait, {instance, one_in(20) ? any_of({0, -1, INT_MAX}) : any_of({1, 2, 8, 64})});
  }
}

/// As much as is wanted: a full buffer is full at the same byte on both sides.
void Generator::add_on_unix_socket() {
  std::int64_t address = 0;
  std::int64_t length = 0;
  memory(address, length);
  const std::int64_t socket = one_in(30) ? any_descriptor() : descriptor(Content::UnixSocket);
  const std::int64_t silent = one_in(15) ? 0 : MSG_NOSIGNAL;
  switch (below(16)) {
    case 0:
    case 1:
    case 2:
      return add(Operation::Send, {socket, address, length, silent | any_of({0, 0, MSG_DONTWAIT, MSG_MORE})});
    case 3:
    case 4:
    case 5:
      return add(Operation::Recv, {socket, address, length,
                                   any_of({0, 0, MSG_DONTWAIT, MSG_WAITALL, MSG_PEEK, MSG_PEEK | MSG_WAITALL})});
    case 6:
      return add(one_in(2) ? Operation::Read : Operation::Write, {socket, address, length});
    case 7: {
      std::int64_t second = 0;
      std::int64_t more = 0;
      memory(second, more);
      return add(one_in(2) ? Operation::Readv : Operation::Writev, {socket, address, length, second, more});
    }
    case 8:
      return add(Operation::Sendfile, {socket, descriptor(Content::File), optional_offset(), finite_size()});
    case 9:
      return add(Operation::Splice,
                 {descriptor(Content::ReadEnd), kNoOffset, socket, kNoOffset, length, splice_flags()});
    case 10:
      return add(Operation::Splice, {socket, one_in(20) ? 0 : kNoOffset, descriptor(Content::WriteEnd), kNoOffset,
                                     length, splice_flags()});
    case 11:
      if (!one_in(3)) return add_on_unix_option(socket);
      return add(Operation::Shutdown, {socket, one_in(20) ? 7 : any_of({SHUT_RD, SHUT_WR, SHUT_WR, SHUT_RDWR})});
    case 12:
      return add(Operation::Poll,
                 {socket, any_of({POLLIN, POLLOUT, POLLIN | POLLOUT, POLLIN | POLLRDHUP}),
                  descriptor(Content::UnixSocket), any_of({POLLIN, POLLOUT, POLLRDNORM | POLLWRBAND})});
    case 13: {
      const std::int64_t first = new_descriptor(Content::UnixSocket);
      return add(Operation::UnixPair, {first, new_descriptor(Content::UnixSocket),
                                       O_NONBLOCK | any_of({0, 0, O_CLOEXEC, one_in(4) ? O_APPEND : 0})});
    }
    case 14:
      return add_on_unix_option(socket);
    default:
      if (one_in(4)) return add(Operation::Fstat, {socket});
      if (one_in(4)) return add(Operation::Pread, {socket, address, length, 0});
      if (one_in(8)) return add(Operation::Listen, {socket, 3});
      if (one_in(8)) return add(Operation::Connect, {socket});
      if (one_in(8)) return add(Operation::Bind, {socket, below(kTargets), socket});
      if (one_in(8)) return add(Operation::Accept, {new_descriptor(Content::Nothing), socket});
      if (!one_in(3)) return;
      if (socket < kSlots) m_content[static_cast<std::size_t>(socket)] = Content::Nothing;
      return add(Operation::Close, {socket});
  }
}

void Generator::add_on_unix_option(std::int64_t socket) {
  const auto buffers = static_cast<std::int64_t>(kReadSocketOptions);
  if (one_in(3)) return add(Operation::Getsockopt, {socket, below(kUnixOptions)});
  if (one_in(3))
    return add(Operation::Setsockopt, {socket, buffers + below(2), any_of({0, 2304, 5000, 20'000, 100'000})});
  return add(Operation::Setsockopt, {socket, below(kSocketOptions), any_of({0, 1, 2, -1, 7, 100, 5000, INT_MAX})});
}

/// 8 bytes that a counter is then given: small numbers, and those about the largest.
void Generator::store_number(std::int64_t address) {
  const std::int64_t rest = any_of({0, 0, 0, 0xFF, 0xFF, 0x7F});
  add(Operation::Fill, {address, rest, 8});
  if (one_in(2)) add(Operation::Fill, {address, any_of({1, 2, 0xFE, 0xFD}), 1});
}

/// None expires: they are hours ahead, from now, for the two machines did not start at the same time.
void Generator::add_on_timer() {
  constexpr std::int64_t kHour = 3'600'000'000'000;
  const std::int64_t timer = descriptor(Content::Timer);
  switch (below(6)) {
    case 5:
      if (one_in(2)) return add(Operation::ClockGet, {any_of({CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, 3, 77})});
      if (one_in(2)) return add(Operation::UsageGet, {any_of({0, -1, 1, 2, -3})});
      return add(Operation::SetCores, {0, 0});
    case 0:
      return add(Operation::TimerCreate, {new_descriptor(Content::Timer),
                                          one_in(10) ? any_of({77, -1, CLOCK_PROCESS_CPUTIME_ID}) : CLOCK_MONOTONIC,
                                          TFD_NONBLOCK | any_of({0, 0, TFD_CLOEXEC, one_in(4) ? 1 : 0})});
    case 1:
      return add(Operation::TimerGet, {timer});
    case 2: {
      std::int64_t address = 0;
      std::int64_t length = 0;
      memory(address, length);
      return add(one_in(4) ? Operation::Write : Operation::Read, {timer, address, any_of({8, 8, 7, 4096})});
    }
    case 3:
      return add(Operation::Poll, {timer, POLLIN | POLLOUT, descriptor(Content::Counter), POLLIN});
    default: {
      const std::int64_t value = any_of({0, kHour, 5 * kHour, 100 * kHour, one_in(4) ? -1 : 0});
      return add(Operation::TimerSet, {timer, one_in(8) ? any_of({4, TFD_TIMER_CANCEL_ON_SET}) : 0, value,
                                       any_of({0, 0, 1, kHour, 1'000'000, one_in(8) ? -kHour : 0})});
    }
  }
}

void Generator::add_on_counter() {
  if (one_in(3)) return add_on_timer();
  std::int64_t address = 0;
  std::int64_t length = 0;
  memory(address, length);
  const std::int64_t size = one_in(12) ? any_of({0, 7, 9, 16}) : 8;
  const std::int64_t counter = descriptor(Content::Counter);
  const bool harmless = address >= 0 && address < kRegionSize - 8;
  switch (below(8)) {
    case 0: {
      const std::int64_t flags = EFD_NONBLOCK | any_of({0, 0, EFD_SEMAPHORE, EFD_CLOEXEC});
      return add(Operation::EventFd,
                 {new_descriptor(Content::Counter), any_of({0, 0, 1, 3, UINT_MAX}), one_in(15) ? flags | 2 : flags});
    }
    case 1:
      return add(Operation::Poll, {counter, any_of({POLLIN, POLLOUT, POLLIN | POLLOUT}), descriptor(Content::Counter),
                                   any_of({POLLIN, POLLIN | POLLOUT, POLLRDNORM | POLLWRNORM})});
    case 2:
      return add(one_in(2) ? Operation::Readv : Operation::Writev,
                 {counter, address, any_of({4, 8, 8, 0, 16}), address, any_of({8, 4, 0, kNoPiece})});
    case 3:
    case 4:
      return add(Operation::Read, {counter, address, size});
    default:
      if (harmless) store_number(address);
      return add(Operation::Write, {counter, address, size});
  }
}

/// A few rounds, of which the last answer may come in parts.
std::int64_t Generator::talk_script() {
  std::int64_t script = 0;
  unsigned count = 0;
  const auto next = [&](Talk action) {
    if (count < kMostTalks) script |= static_cast<std::int64_t>(action) << (4 * count++);
  };
  for (std::int64_t rounds = 1 + below(3); rounds > 0; --rounds) {
    next(one_in(4) ? Talk::AskMore : Talk::Ask);
    next(Talk::ServerReads);
    next(Talk::Answer);
    next(Talk::ClientReads);
  }
  while (count + 1 < kMostTalks && !one_in(6)) next(static_cast<Talk>(1 + below(kTalks)));
  next(Talk::ClientReads);
  return script;
}

/// Mostly switched on first; each round ends what was sent before it.
std::int64_t Generator::lend_script() {
  std::int64_t script = 0;
  unsigned count = 0;
  const auto next = [&](Lend action) {
    if (count < kMostLends) script |= static_cast<std::int64_t>(action) << (4 * count++);
  };
  if (!one_in(8)) next(Lend::Enable);
  while (count + 1 < kMostLends) next(static_cast<Lend>(one_in(5) ? static_cast<int>(Lend::Round) : 1 + below(kLends)));
  next(Lend::Round);
  return script;
}

void Generator::add_message(std::int64_t socket, std::int64_t address, std::int64_t length, std::int64_t silent) {
  std::int64_t second = 0;
  std::int64_t more = 0;
  memory(second, more);
  more = one_in(6) ? kNoPiece : std::clamp<std::int64_t>(more, 0, 3000);
  if (one_in(2)) {
    return add(Operation::Sendmsg,
               {socket, address, length, second, more, silent | any_of({0, 0, MSG_DONTWAIT, MSG_ZEROCOPY})});
  }
  add(Operation::Recvmsg, {socket, address, length, second, more,
                           any_of({0, MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC, MSG_ERRQUEUE, MSG_CMSG_CLOEXEC})});
}

void Generator::add_random() {
  if (m_forked && one_in(3)) m_process = 1 - m_process;
  if (m_epoll && one_in(4)) return add_on_epoll();
  if (m_counters && one_in(4)) return add_on_counter();
  if (m_unix && one_in(2)) return add_on_unix_socket();
  if (m_sockets && one_in(2)) return add_on_socket();
  switch (below(20)) {
    case 0:
    case 1:
      return open_something();
    case 2:
      if (!m_forked && one_in(8)) {
        m_forked = true;
        return add(Operation::Fork);
      }
      if (one_in(10)) return add(Operation::Wait);
      if (!m_forked && one_in(6)) return stream();
      if (one_in(5)) return add_on_signals();
      if (m_process == 1 && one_in(10)) return add(Operation::Exit, {below(300)});
      return add_on_descriptor();
    case 3:
    case 4:
    case 5:
      return add_on_descriptor();
    case 6:
    case 7:
    case 8:
    case 9:
      return add_on_memory();
    case 10:
    case 11:
    case 12:
    case 13:
    case 14:
      return add_transfer();
    default:
      return add_on_file();
  }
}

Program Generator::program() {
  for (auto& file_size : m_program.file_sizes)
    file_size = static_cast<std::uint64_t>(std::clamp<std::int64_t>(size(), 0, 200'000));
  m_mapped[0] = kRegionSize;
  add(Operation::Store, {0, 70'000, 1});
  for (int i = 0; i < 4; ++i) open_something();
  m_small_disk = one_in(12);
  if (m_small_disk) add(Operation::FillDisk, {one_in(3) ? 0 : below(40)});
  m_sockets = !m_small_disk && one_in(3);
  if (m_sockets) {
    const std::int64_t client = new_descriptor(Content::Socket);
    add(Operation::SocketPair, {client, new_descriptor(Content::Socket)});
  }
  m_epoll = one_in(3);
  if (m_epoll) add(Operation::EpollCreate, {new_descriptor(Content::Epoll), 0});
  m_counters = one_in(5);
  if (m_counters) add(Operation::EventFd, {new_descriptor(Content::Counter), below(3), EFD_NONBLOCK});
  m_unix = !m_small_disk && one_in(4);
  if (m_unix) {
    const std::int64_t first = new_descriptor(Content::UnixSocket);
    add(Operation::UnixPair, {first, new_descriptor(Content::UnixSocket), O_NONBLOCK});
  }
  const std::int64_t steps = 5 + below(45);
  for (std::int64_t i = 0; i < steps; ++i) add_random();
  return std::move(m_program);
}

}  // namespace

Program generate(std::uint64_t seed, std::uint64_t index) {
  std::seed_seq mixed{seed & 0xFFFF'FFFFU, seed >> 32, index & 0xFFFF'FFFFU, index >> 32};
  std::array<std::uint32_t, 2> words{};
  mixed.generate(words.begin(), words.end());
  return Generator{std::uint64_t{words[0]} << 32 | words[1]}.program();
}

}  // namespace sluice::differential
