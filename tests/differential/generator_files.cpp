// SPDX-License-Identifier: Apache-2.0
// Steps on files, pipes and descriptors of any kind.

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "tests/differential/program_generator.h"

namespace sluice::differential {

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

void Generator::stream() {
  const auto piece = [this] {
    return any_of({100, 1000, kPageLength, kPageLength + 1, 3 * kPageLength, 10'000, 65'536, 100'000});
  };
  add(Operation::Stream, {below(kStreamSources), below(300'000), piece(), piece(),
                          any_of({kPageLength, 2 * kPageLength, 65'536}), one_in(8) ? below(100'000) : 0});
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
      if (one_in(6)) return add(Operation::Unlink, {one_in(2) ? 3 : below(std::ssize(kPaths))});
      if (one_in(3)) return add(Operation::WaitingBytes, {any_descriptor()});
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

}  // namespace sluice::differential
