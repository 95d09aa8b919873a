// SPDX-License-Identifier: Apache-2.0
// What a kind of file that does not override an operation answers: Linux's answer for a missing file operation.
#include "kernel_sim/fs/file.h"

#include <fcntl.h>
#include <poll.h>

#include <sys/mman.h>
#include <sys/stat.h>

namespace sluice::fs {

Result<Bytes> File::read(mm::UserMemory&, VirtAddr, Bytes, std::uint64_t*) {
  return refuse(readable() ? EINVAL : EBADF);
}

Result<Bytes> File::write(mm::UserMemory&, VirtAddr, Bytes, std::uint64_t*) {
  return refuse(writable() ? EINVAL : EBADF);
}

Result<Bytes> File::splice_read(SpliceSink&, Bytes, std::uint64_t*, unsigned) { return refuse(EINVAL); }

Result<Bytes> File::splice_write(SpliceSource&, Bytes, std::uint64_t*, unsigned) { return refuse(EINVAL); }

void File::splice_end() {}

Result<std::uint64_t> File::seek(std::int64_t, int) { return refuse(ESPIPE); }

Result<kernel_sim::FileStatus> File::status() { return kernel_sim::FileStatus{}; }

Result<void> File::truncate(std::uint64_t) { return refuse(EINVAL); }

Result<void> File::sync() { return refuse(EINVAL); }

/// mm/fadvise.c: where there is no page cache, advice that exists is taken and ignored.
Result<void> File::advise(std::uint64_t, std::uint64_t, int advice) {
  if (advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE) return refuse(EINVAL);
  return {};
}

std::int16_t File::poll() const { return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM; }  // DEFAULT_POLLMASK

int File::mappable_protection() const { return PROT_READ | PROT_WRITE | PROT_EXEC; }

int File::changeable_flags() const { return O_APPEND | O_NONBLOCK | O_NOATIME; }

bool File::path_only() const { return (m_flags & O_PATH) != 0; }

bool File::non_blocking() const { return (m_flags & O_NONBLOCK) != 0; }

kernel_sim::FileStatus anonymous_status() { return {0, S_IRUSR | S_IWUSR, static_cast<std::uint32_t>(kPageSize)}; }

}  // namespace sluice::fs
