// SPDX-License-Identifier: Apache-2.0
#include "tools/native/program_folder.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sched.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/stat.h>

#include "models/base/content.h"
#include "tools/native/descriptor.h"
#include "tools/native/file_bytes.h"
#include "tools/native/mapped_file.h"
#include "tools/native/sandbox.h"
#include "tools/native/shared.h"

namespace sluice::native {
namespace {

std::shared_ptr<const base::Content> content_of(const scenario::FileChoice& file) {
  return file.path.empty() ? base::make_synthetic_content(file.size, file.seed) : base::open_file_content(file.path);
}

/// What its bytes are made from.
std::string origin_of(const scenario::FileChoice& file) {
  return file.path.empty() ? fmt::format("{} from {}", file.size, file.seed) : file.path;
}

/// On core 0, whose caches are to hold the bytes.
void read_on_core_0(int fd, std::uint64_t size) {
  cpu_set_t before;
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(0, &only);
  ::sched_getaffinity(0, sizeof before, &before);
  ::sched_setaffinity(0, sizeof only, &only);
  read_through(fd, size);
  ::sched_setaffinity(0, sizeof before, &before);
}

/// As the folder, whose owner the programs will be.
void give_to_programs(int fd, const std::filesystem::path& folder, const std::string& name) {
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) throw_host_error(folder.string(), errno);
  if (::geteuid() == 0 && ::fchown(fd, status.st_uid, status.st_gid) != 0) throw_host_error(name, errno);
}

/// Root gives the folder to a user that nobody else is, or to nobody where the host has no such users.
void give_to_programs(const std::filesystem::path& folder) {
  if (::geteuid() != 0) return;
  struct stat status {};
  if (::stat(folder.c_str(), &status) != 0) throw_host_error(folder.string(), errno);
  const uid_t user = kFirstUser + static_cast<uid_t>(status.st_ino % kFirstUser);
  if (::chown(folder.c_str(), user, user) == 0) return;
  if (::chown(folder.c_str(), kNobody, kNobody) != 0) throw_host_error(folder.string(), errno);
}

/// Pages that another core is about to add to its lists are missed by the first attempt.
void drop_all_pages(int fd, std::uint64_t size, const std::string& name) {
  constexpr int kAttempts = 5;
  std::uint64_t left = 0;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(std::chrono::milliseconds{10 * attempt});
    drop_pages(fd);
    left = MappedFile{fd, size}.resident_pages();
    if (left == 0) return;
  }
  throw base::InputError{fmt::format(
      "native: {} pages of {} stay in the page cache, so it cannot be cold (is it a file system in memory?)", left,
      name)};
}

}  // namespace

ProgramFolder::ProgramFolder(const std::filesystem::path& directory) {
  std::string name = (directory / "sluice-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw_host_error(directory.string(), errno);
  m_path = std::filesystem::absolute(name);
  give_to_programs(m_path);
}

ProgramFolder::~ProgramFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(m_path, ignored);
}

ProgramFolder::Made ProgramFolder::look(const scenario::FileChoice& file) const {
  struct stat status {};
  if (::lstat((m_path / file.name).c_str(), &status) != 0) return {};
  return {status.st_ino, std::int64_t{status.st_ctim.tv_sec} * 1'000'000'000 + status.st_ctim.tv_nsec,
          static_cast<std::uint64_t>(status.st_size), origin_of(file)};
}

void ProgramFolder::make(const scenario::FileChoice& file) {
  const auto content = content_of(file);
  const std::string path = m_path / file.name;
  check_space(m_path, content->size());
  const Descriptor made{::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0644)};
  if (!made.is_open()) throw_host_error(file.name, errno);
  ::fchmod(made.get(), 0644);  // whatever the umask
  give_to_programs(made.get(), m_path, file.name);
  write_content(made.get(), *content, m_path);
  drop_pages(made.get());
  m_made[file.name] = look(file);
}

void ProgramFolder::remove_others(const std::vector<scenario::FileChoice>& files) const {
  for (const auto& entry : std::filesystem::directory_iterator{m_path}) {
    const auto same = std::find_if(files.begin(), files.end(), [&](const scenario::FileChoice& file) {
      if (file.name != entry.path().filename()) return false;
      const auto made = m_made.find(file.name);
      return made != m_made.end() && made->second == look(file);
    });
    if (same == files.end()) std::filesystem::remove_all(entry.path());
  }
}

void ProgramFolder::settle_cache(const scenario::FileChoice& file) const {
  const Descriptor opened{::open((m_path / file.name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  struct stat status {};
  if (!opened.is_open() || ::fstat(opened.get(), &status) != 0) throw_host_error(file.name, errno);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size == 0) return;
  drop_all_pages(opened.get(), size, file.name);
  const std::uint64_t cached = file.cached.of(size);
  if (cached == 0) return;
  // Read-ahead would bring more than was asked for.
  if (cached < size) ::posix_fadvise(opened.get(), 0, 0, POSIX_FADV_RANDOM);
  read_through(opened.get(), cached);
  const MappedFile mapped{opened.get(), cached};
  mapped.evict_from_cpu_caches();
  if (mapped.resident_pages() < pages_of(cached)) {
    throw base::InputError{"native: " + file.name + " does not stay in the page cache: too little free memory?"};
  }
  if (file.hot) read_on_core_0(opened.get(), cached);
}

void ProgramFolder::prepare(const std::vector<scenario::FileChoice>& files) {
  remove_others(files);
  for (const scenario::FileChoice& file : files) {
    if (!std::filesystem::exists(m_path / file.name)) make(file);
    settle_cache(file);
  }
}

}  // namespace sluice::native
