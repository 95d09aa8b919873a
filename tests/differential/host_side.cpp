// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <unistd.h>
#include <vector>

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/differential/interpreter.h"
#include "tests/differential/private_folder.h"
#include "tests/differential/sides.h"
#include "tools/native/process.h"

namespace sluice::differential {

namespace {

/// No run takes longer: a program never waits for anything but its own processes.
constexpr std::chrono::seconds kTimeLimit{60};

/// The simulated kernel knows one user without privileges; root may, for one, have larger pipes.
void drop_privileges() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  ::syscall(SYS_capset, &header, none);
}

/// Descriptors begin at 0 and end where the simulated kernel's do.
void set_descriptors() {
  ::close_range(0, ~0U, 0);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = kMostDescriptors;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

class HostSide final : public Side {
 public:
  Outcome run(const Program& program) override {
    place_files(program);
    Transcript& transcript = fresh_transcript();
    const int status = native::run_as_process(m_calls,
                                              [&](kernel_sim::SystemCalls& calls) {
                                                set_descriptors();
                                                drop_privileges();
                                                return interpret(calls, program, transcript);
                                              },
                                              {.placement = {}, .time_limit = kTimeLimit});
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return {status, false, "killed: out of time or memory"};
    return {status, false, {}};
  }

 private:
  void place_files(const Program& program) {
    m_folder.empty();
    for (std::size_t file = 0; file < kFiles; ++file) {
      m_bytes.resize(program.file_sizes[file]);
      for (std::size_t i = 0; i < m_bytes.size(); ++i) m_bytes[i] = pattern(file, i);
      const std::string name = m_folder.path() / kPaths[file];
      const int fd = ::open(name.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
      ::fchmod(fd, 0644);  // whatever the umask
      if (::write(fd, m_bytes.data(), m_bytes.size()) != std::ssize(m_bytes)) native::throw_host_error("write", errno);
      ::close(fd);
    }
  }

  PrivateFolder m_folder;
  native::HostSystemCalls m_calls{{.root = m_folder.path()}};
  std::vector<std::byte> m_bytes;
};

}  // namespace

std::unique_ptr<Side> make_host_side() { return std::make_unique<HostSide>(); }

}  // namespace sluice::differential
