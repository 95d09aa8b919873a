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

#include "tools/native/file_bytes.h"
#include "tools/native/mapped_file.h"
#include "tools/native/shared.h"

namespace sluice::native {

namespace {

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
