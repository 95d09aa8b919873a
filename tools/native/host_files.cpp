// SPDX-License-Identifier: Apache-2.0
// Files, pipes, and moving bytes between descriptors.
#include <fcntl.h>
#include <vector>

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "tools/native/host_call.h"

namespace sluice::native {

using kernel_sim::UserAddress;
using syscalls::Call;
using Value = SystemCalls::Value;

std::string HostSystemCalls::host_path(std::string_view path) const {
  // An empty path stays empty, for Linux refuses it.
  if (path.empty() || m_options.root.empty()) return std::string{path};
  return m_options.root.string() + '/' + std::string{path};
}

Value HostSystemCalls::open(std::string_view path, int flags, int mode) {
  const std::string name = host_path(path);
  return call(Call::Open, [&] { return raw(SYS_openat, AT_FDCWD, name.c_str(), flags, mode); });
}

Value HostSystemCalls::unlink(std::string_view path) {
  const std::string on_host = host_path(path);
  return call(Call::Unlink, [&] { return raw(SYS_unlink, on_host.c_str()); });
}

Value HostSystemCalls::close(int fd) {
  return call(Call::Close, [&] { return raw(SYS_close, fd); });
}

Value HostSystemCalls::read(int fd, UserAddress buffer, std::uint64_t size) {
  return call(Call::Read, [&] { return raw(SYS_read, fd, buffer, size); });
}

Value HostSystemCalls::write(int fd, UserAddress buffer, std::uint64_t size) {
  return call(Call::Write, [&] { return raw(SYS_write, fd, buffer, size); });
}

Value HostSystemCalls::pread(int fd, UserAddress buffer, std::uint64_t size, std::int64_t offset) {
  return call(Call::Pread, [&] { return raw(SYS_pread64, fd, buffer, size, offset); });
}

Value HostSystemCalls::pwrite(int fd, UserAddress buffer, std::uint64_t size, std::int64_t offset) {
  return call(Call::Pwrite, [&] { return raw(SYS_pwrite64, fd, buffer, size, offset); });
}

Value HostSystemCalls::readv(int fd, std::span<const kernel_sim::IoVector> vectors) {
  const std::vector<iovec> list = to_host(vectors);
  return call(Call::Readv, [&] { return raw(SYS_readv, fd, list.data(), list.size()); });
}

Value HostSystemCalls::writev(int fd, std::span<const kernel_sim::IoVector> vectors) {
  const std::vector<iovec> list = to_host(vectors);
  return call(Call::Writev, [&] { return raw(SYS_writev, fd, list.data(), list.size()); });
}

// The kernel takes an offset in two halves, of which the first holds all of it on a machine of 64 bits.

Value HostSystemCalls::preadv(int fd, std::span<const kernel_sim::IoVector> vectors, std::int64_t offset) {
  const std::vector<iovec> list = to_host(vectors);
  return call(Call::Preadv, [&] { return raw(SYS_preadv, fd, list.data(), list.size(), offset, 0); });
}

Value HostSystemCalls::pwritev(int fd, std::span<const kernel_sim::IoVector> vectors, std::int64_t offset) {
  const std::vector<iovec> list = to_host(vectors);
  return call(Call::Pwritev, [&] { return raw(SYS_pwritev, fd, list.data(), list.size(), offset, 0); });
}

Value HostSystemCalls::lseek(int fd, std::int64_t offset, int whence) {
  return call(Call::Lseek, [&] { return raw(SYS_lseek, fd, offset, whence); });
}

/// Another request might write more than a number.
Value HostSystemCalls::ioctl(int fd, std::uint64_t request, int& value) {
  return call(Call::Ioctl, [&] { return request == FIONREAD ? raw(SYS_ioctl, fd, request, &value) : -ENOTTY; });
}

Value HostSystemCalls::fstat(int fd, kernel_sim::FileStatus& status) {
  struct stat found {};
  const Value value = call(Call::Fstat, [&] { return raw(SYS_fstat, fd, &found); });
  if (value >= 0) {
    status = {static_cast<std::uint64_t>(found.st_size), found.st_mode, static_cast<std::uint32_t>(found.st_blksize)};
  }
  return value;
}

Value HostSystemCalls::ftruncate(int fd, std::int64_t size) {
  return call(Call::Ftruncate, [&] { return raw(SYS_ftruncate, fd, size); });
}

Value HostSystemCalls::fsync(int fd) {
  return call(Call::Fsync, [&] { return raw(SYS_fsync, fd); });
}

Value HostSystemCalls::posix_fadvise(int fd, std::int64_t offset, std::int64_t size, int advice) {
  return call(Call::PosixFadvise, [&] { return raw(SYS_fadvise64, fd, offset, size, advice); });
}

Value HostSystemCalls::fcntl(int fd, int command, std::int64_t argument) {
  return call(Call::Fcntl, [&] { return raw(SYS_fcntl, fd, command, argument); });
}

Value HostSystemCalls::dup(int fd) {
  return call(Call::Dup, [&] { return raw(SYS_dup, fd); });
}

Value HostSystemCalls::dup3(int fd, int new_fd, int flags) {
  return call(Call::Dup3, [&] { return raw(SYS_dup3, fd, new_fd, flags); });
}

Value HostSystemCalls::sendfile(int out_fd, int in_fd, std::int64_t* offset, std::uint64_t size) {
  return call(Call::Sendfile, [&] { return raw(SYS_sendfile, out_fd, in_fd, offset, size); });
}

Value HostSystemCalls::copy_file_range(int in_fd, std::int64_t* in_offset, int out_fd, std::int64_t* out_offset,
                                       std::uint64_t size, unsigned flags) {
  return call(Call::CopyFileRange,
              [&] { return raw(SYS_copy_file_range, in_fd, in_offset, out_fd, out_offset, size, flags); });
}

Value HostSystemCalls::splice(int in_fd, std::int64_t* in_offset, int out_fd, std::int64_t* out_offset,
                              std::uint64_t size, unsigned flags) {
  return call(Call::Splice, [&] { return raw(SYS_splice, in_fd, in_offset, out_fd, out_offset, size, flags); });
}

Value HostSystemCalls::tee(int in_fd, int out_fd, std::uint64_t size, unsigned flags) {
  return call(Call::Tee, [&] { return raw(SYS_tee, in_fd, out_fd, size, flags); });
}

Value HostSystemCalls::vmsplice(int fd, UserAddress buffer, std::uint64_t size, unsigned flags) {
  const iovec piece{reinterpret_cast<void*>(buffer), size};
  return call(Call::Vmsplice, [&] { return raw(SYS_vmsplice, fd, &piece, 1, flags); });
}

Value HostSystemCalls::pipe(int fds[2], int flags) {
  return call(Call::Pipe, [&] { return raw(SYS_pipe2, fds, flags); });
}

}  // namespace sluice::native
