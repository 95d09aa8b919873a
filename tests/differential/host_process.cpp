// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/host_process.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <sched.h>
#include <string>
#include <unistd.h>
#include <vector>

#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tools/native/shared.h"

namespace sluice::differential {

void place_files(const std::filesystem::path& folder, const std::array<std::uint64_t, kFiles>& sizes) {
  std::vector<std::byte> bytes;
  for (std::size_t file = 0; file < kFiles; ++file) {
    bytes.resize(sizes[file]);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = pattern(file, i);
    const std::string name = folder / kPaths[file];
    const int fd = ::open(name.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    ::fchmod(fd, 0644);  // whatever the umask
    if (::write(fd, bytes.data(), bytes.size()) != std::ssize(bytes)) native::throw_host_error("write", errno);
    ::close(fd);
  }
}

void become_simulated_user(int descriptors) {
  ::close_range(0, ~0U, 0);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = static_cast<rlim_t>(descriptors);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, rlim_t{8} << 20);
  ::setrlimit(RLIMIT_MEMLOCK, &limit);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  ::syscall(SYS_capset, &header, none);
}

bool mount_small_disk(const std::filesystem::path& folder, Bytes size) {
  const std::string user = "0 " + std::to_string(::getuid()) + " 1";
  const std::string group = "0 " + std::to_string(::getgid()) + " 1";
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  const auto write = [](const char* path, const std::string& text) { std::ofstream{path} << text; };
  write("/proc/self/setgroups", "deny");
  write("/proc/self/uid_map", user);
  write("/proc/self/gid_map", group);
  const std::string options = "size=" + std::to_string(size);
  return ::mount("small", folder.c_str(), "tmpfs", 0, options.c_str()) == 0;
}

}  // namespace sluice::differential
