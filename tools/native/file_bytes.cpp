// SPDX-License-Identifier: Apache-2.0
#include "tools/native/file_bytes.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <sys/statvfs.h>

#include "tools/native/shared.h"

namespace sluice::native {
namespace {

constexpr std::uint64_t kPiece = 1_MiB;      ///< bytes per call while writing and reading
constexpr std::uint64_t kHeadroom = 16_MiB;  ///< left free on the file system, which others use too

}  // namespace

std::uint64_t free_space(const std::filesystem::path& directory) {
  struct statvfs status {};
  if (::statvfs(directory.c_str(), &status) != 0) throw_host_error(directory.string(), errno);
  return std::uint64_t{status.f_bavail} * status.f_frsize;
}

void check_space(const std::filesystem::path& directory, std::uint64_t needed) {
  const std::uint64_t free = free_space(directory);
  if (free >= kHeadroom && free - kHeadroom >= needed) return;
  throw base::InputError{
      fmt::format("native: {}: no space for test files of {:.0f} MiB, {:.0f} MiB are free "
                  "(--directory names another place)",
                  directory.string(), static_cast<double>(needed) / (1 << 20), static_cast<double>(free) / (1 << 20))};
}

void write_content(int fd, const base::Content& content, const std::filesystem::path& directory) {
  std::vector<std::byte> piece(std::min<std::uint64_t>(kPiece, content.size()));
  for (std::uint64_t done = 0; done < content.size();) {
    const std::span<std::byte> part{piece.data(), std::min<std::uint64_t>(piece.size(), content.size() - done)};
    content.read(done, part);
    const ssize_t written = ::pwrite(fd, part.data(), part.size(), static_cast<off_t>(done));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) throw_host_error(directory.string() + ": test file", written < 0 ? errno : EIO);
    done += static_cast<std::uint64_t>(written);
  }
}

void read_through(int fd, std::uint64_t size) {
  std::vector<std::byte> piece(std::min(kPiece, size));
  for (std::uint64_t done = 0; done < size;) {
    const ssize_t got = ::pread(fd, piece.data(), piece.size(), static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_host_error("reading the test file", errno);
    if (got == 0) throw base::InputError{"native: the file became shorter while it was read"};
    done += static_cast<std::uint64_t>(got);
  }
}

void drop_pages(int fd) {
  if (::fsync(fd) != 0) throw_host_error("fsync of the test file", errno);
  if (const int error = ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); error != 0) {
    throw_host_error("posix_fadvise on the test file", error);
  }
}

}  // namespace sluice::native
