// SPDX-License-Identifier: Apache-2.0
#include "tools/native/test_files.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <thread>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "tools/native/mapped_file.h"
#include "tools/native/shared.h"

namespace sluice::native {

namespace {

constexpr std::uint64_t kPiece = 1_MiB;      ///< bytes per call while writing and reading
constexpr std::uint64_t kHeadroom = 16_MiB;  ///< left free on the file system, which others use too

void check_space(const std::filesystem::path& directory, std::uint64_t needed) {
  struct statvfs status {};
  if (::statvfs(directory.c_str(), &status) != 0) throw_host_error(directory.string(), errno);
  const std::uint64_t free = std::uint64_t{status.f_bavail} * status.f_frsize;
  if (free >= kHeadroom && free - kHeadroom >= needed) return;
  throw base::InputError{
      fmt::format("native: {}: no space for test files of {:.0f} MiB, {:.0f} MiB are free "
                  "(--directory names another place)",
                  directory.string(), static_cast<double>(needed) / (1 << 20), static_cast<double>(free) / (1 << 20))};
}

/// Each file is open in this process and once more in the program.
void allow_descriptors(std::size_t files) {
  constexpr rlim_t kOthers = 64;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t needed = 2 * files + kOthers;
  if (limit.rlim_cur >= needed) return;
  if (limit.rlim_max < needed) {
    throw base::InputError{fmt::format("native: {} files need {} descriptors, and {} are allowed here (ulimit -Hn)",
                                       files, needed, limit.rlim_max)};
  }
  limit.rlim_cur = needed;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// Where the file system cannot make a file without a name, it loses its name at once; signals wait meanwhile.
Descriptor make_nameless(const std::filesystem::path& directory) {
  Descriptor made{::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR)};
  if (made.is_open()) return made;
  if (errno != EOPNOTSUPP && errno != EISDIR) throw_host_error(directory.string(), errno);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  std::string name = (directory / "sluice-XXXXXX").string();
  made = Descriptor{::mkostemp(name.data(), O_CLOEXEC)};
  const int error = errno;
  if (made.is_open()) ::unlink(name.c_str());
  sigprocmask(SIG_SETMASK, &before, nullptr);
  if (!made.is_open()) throw_host_error(directory.string(), error);
  return made;
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

/// Pages that are not on the medium yet cannot be dropped.
void drop_pages(int fd) {
  if (::fsync(fd) != 0) throw_host_error("fsync of the test file", errno);
  if (const int error = ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); error != 0) {
    throw_host_error("posix_fadvise on the test file", error);
  }
}

}  // namespace

TestFiles TestFiles::make(const std::filesystem::path& directory,
                          const std::vector<std::shared_ptr<const base::Content>>& contents) {
  std::uint64_t needed = 0;
  for (const auto& content : contents) needed += content->size();
  check_space(directory, needed);
  allow_descriptors(contents.size());
  std::vector<File> files;
  for (const auto& content : contents) {
    File& file = files.emplace_back(File{make_nameless(directory), content->size()});
    write_content(file.descriptor.get(), *content, directory);
    // What writing left in the page cache lies there in folios of other sizes than what reading brings.
    drop_pages(file.descriptor.get());
  }
  return TestFiles{std::move(files)};
}

TestFiles TestFiles::open(const std::string& path) {
  Descriptor descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat status {};
  if (!descriptor.is_open() || ::fstat(descriptor.get(), &status) != 0) throw_host_error(path, errno);
  std::vector<File> files;
  files.push_back({std::move(descriptor), static_cast<std::uint64_t>(status.st_size)});
  return TestFiles{std::move(files)};
}

std::vector<std::string> TestFiles::paths() const {
  std::vector<std::string> names;
  for (const File& file : m_files) names.push_back("/" + std::to_string(file.descriptor.get()));
  return names;
}

std::uint64_t TestFiles::bytes() const {
  std::uint64_t sum = 0;
  for (const File& file : m_files) sum += file.size;
  return sum;
}

std::uint64_t TestFiles::pages() const {
  std::uint64_t sum = 0;
  for (const File& file : m_files) sum += pages_of(file.size);
  return sum;
}

std::uint64_t TestFiles::resident_pages() const {
  std::uint64_t sum = 0;
  for (const File& file : m_files) {
    if (file.size > 0) sum += MappedFile{file.descriptor.get(), file.size}.resident_pages();
  }
  return sum;
}

void TestFiles::warm(bool hot) const {
  // A kernel that reclaims what it takes for cold (DAMON) may have dropped pages while others were read.
  constexpr int kAttempts = 3;
  for (int attempt = 0; attempt < kAttempts && resident_pages() < pages(); ++attempt) {
    for (const File& file : m_files) read_through(file.descriptor.get(), file.size);
  }
  for (const File& file : m_files) {
    if (file.size > 0) MappedFile{file.descriptor.get(), file.size}.evict_from_cpu_caches();
  }
  if (hot) {
    for (const File& file : m_files) read_through(file.descriptor.get(), file.size);
  }
  if (const std::uint64_t found = resident_pages(); found < pages()) {
    throw base::InputError{fmt::format(
        "native: the files do not stay in the page cache, {} of {} pages are there: too little free memory?", found,
        pages())};
  }
}

void TestFiles::cool() const {
  // Pages that another core is about to add to its lists are missed by the first attempt.
  constexpr int kAttempts = 5;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(std::chrono::milliseconds{10 * attempt});
    for (const File& file : m_files) drop_pages(file.descriptor.get());
    if (resident_pages() == 0) return;
  }
  throw base::InputError{fmt::format(
      "native: {} of {} pages stay in the page cache, so the files cannot be cold (is it a file system in memory?)",
      resident_pages(), pages())};
}

}  // namespace sluice::native
