// SPDX-License-Identifier: Apache-2.0
#include "tools/native/sandbox.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <string>
#include <unistd.h>

#include <linux/capability.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tools/native/descriptor.h"
#include "tools/native/file_bytes.h"
#include "tools/native/shared.h"

namespace sluice::native {
namespace {

constexpr int kNamespaces = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC;
constexpr rlim_t kDescriptors = 1024;
constexpr rlim_t kLockedMemory = rlim_t{8} << 20;
constexpr rlim_t kAddressSpace = rlim_t{8} << 30;

struct User {
  uid_t uid = ::getuid();
  gid_t gid = ::getgid();
};

[[noreturn]] void no_sandbox(const std::string& what, int error_number) {
  const char* name = strerrorname_np(error_number);
  throw base::InputError{
      "native: programs run in namespaces of their own, so that they cannot harm this host, and it "
      "gives none (" +
      what + ": " + (name == nullptr ? "unknown error" : name) + ")"};
}

void need(int result, const char* what) {
  if (result != 0) no_sandbox(what, errno);
}

/// As fork(), into new namespaces.
pid_t fork_into(int namespaces) {
  return static_cast<pid_t>(::syscall(SYS_clone, namespaces | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}

void write_text(const char* path, const std::string& text) {
  const Descriptor file{::open(path, O_WRONLY | O_CLOEXEC)};
  if (!file.is_open() || ::write(file.get(), text.data(), text.size()) < 0) no_sandbox(path, errno);
}

/// A user namespace begins without anybody: the user becomes itself.
void map_user(const User& user) {
  write_text("/proc/self/setgroups", "deny");
  write_text("/proc/self/uid_map", std::to_string(user.uid) + " " + std::to_string(user.uid) + " 1");
  write_text("/proc/self/gid_map", std::to_string(user.gid) + " " + std::to_string(user.gid) + " 1");
}

void bring_up_loopback() {
  const Descriptor any{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", sizeof request.ifr_name - 1);
  need(::ioctl(any.get(), SIOCGIFFLAGS, &request), "lo");
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  need(::ioctl(any.get(), SIOCSIFFLAGS, &request), "lo");
}

void enter(const std::filesystem::path& folder) {
  need(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount");
  need(::mount(folder.c_str(), folder.c_str(), nullptr, MS_BIND, nullptr), "mount");
  need(::chdir(folder.c_str()), "chdir");
  need(::chroot("."), "chroot");
}

void limit(__rlimit_resource resource, rlim_t most) {
  rlimit limits{};
  ::getrlimit(resource, &limits);
  limits.rlim_max = std::min(limits.rlim_max, most);
  limits.rlim_cur = std::min(limits.rlim_max, most);
  need(::setrlimit(resource, &limits), "setrlimit");
}

void set_limits(const SandboxOptions& options) {
  limit(RLIMIT_NPROC, options.processes);
  limit(RLIMIT_NOFILE, kDescriptors);
  limit(RLIMIT_MEMLOCK, kLockedMemory);
  limit(RLIMIT_FSIZE, free_space("/") / 2);
  limit(RLIMIT_MSGQUEUE, 0);
#ifndef __SANITIZE_ADDRESS__  // which maps terabytes
  limit(RLIMIT_AS, kAddressSpace);
#endif
}

/// The folder is already "/".
void become_owner_of_folder() {
  struct stat status {};
  need(::stat("/", &status), "stat");
  const uid_t user = status.st_uid == 0 ? kNobody : status.st_uid;
  need(::setgroups(0, nullptr), "setgroups");
  need(::setresgid(user, user, user), "setresgid");
  need(::setresuid(user, user, user), "setresuid");
}

void drop_privileges(bool root) {
  if (root) become_owner_of_folder();
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  need(static_cast<int>(::syscall(SYS_capset, &header, none)), "capset");
  need(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl");
}

/// The kernel kills this process when its parent ends. `parent` is a pipe whose other end the parent holds. The kernel
/// forgets the order when the user changes.
void end_with_holder(int parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  pollfd end{parent, 0, 0};
  if (::poll(&end, 1, 0) > 0) ::_exit(1);
}

void settle(const SandboxOptions& options, const User& user, bool own_users, int parent) {
  end_with_holder(parent);
  if (own_users) map_user(user);
  write_text("/proc/self/oom_score_adj", "1000");
  bring_up_loopback();
  enter(options.folder);
  set_limits(options);
  drop_privileges(!own_users && user.uid == 0);
  end_with_holder(parent);
}

struct Pipe {
  Descriptor out;
  Descriptor in;

  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_host_error("pipe", errno);
    out = Descriptor{ends[0]};
    in = Descriptor{ends[1]};
  }
};

}  // namespace

pid_t start_sandbox(const SandboxOptions& options, const std::function<int()>& first) {
  const User user;
  Pipe alive;
  Pipe refusal;
  std::fflush(nullptr);
  bool own_users = ::geteuid() != 0;
  pid_t pid = own_users ? -1 : fork_into(kNamespaces);
  if (pid < 0) {
    own_users = true;
    pid = fork_into(kNamespaces | CLONE_NEWUSER);
  }
  if (pid < 0) no_sandbox("clone", errno);
  if (pid == 0) {
    alive.in = Descriptor{};
    refusal.out = Descriptor{};
    try {
      settle(options, user, own_users, alive.out.get());
    } catch (const base::InputError& refused) {
      [[maybe_unused]] const ssize_t told = ::write(refusal.in.get(), refused.what(), std::strlen(refused.what()));
      ::_exit(1);
    }
    refusal.in = Descriptor{};
    ::_exit(first());
  }
  refusal.in = Descriptor{};
  std::string why;
  std::array<char, 512> piece{};
  for (ssize_t got = 0;
       (got = ::read(refusal.out.get(), piece.data(), piece.size())) > 0 || (got < 0 && errno == EINTR);) {
    if (got > 0) why.append(piece.data(), static_cast<std::size_t>(got));
  }
  if (why.empty()) return pid;
  ::waitpid(pid, nullptr, 0);
  throw base::InputError{why};
}

}  // namespace sluice::native
