// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/private_folder.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <sys/wait.h>

#include "tools/native/shared.h"

namespace sluice::differential {

PrivateFolder::PrivateFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "sluice-differential-XXXXXX").string();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) native::throw_host_error("pipe", errno);
  if (::mkdtemp(name.data()) == nullptr) native::throw_host_error("temporary folder", errno);
  m_path = name;
  m_guard = ::fork();
  if (m_guard == 0) {
    ::setsid();  // Ctrl-C and the end of the terminal are not meant for it
    ::close(ends[1]);
    ::close(STDIN_FILENO);
    ::close(STDOUT_FILENO);  // whoever reads what this program prints must see its end
    ::close(STDERR_FILENO);
    char nothing = 0;
    while (::read(ends[0], &nothing, 1) < 0 && errno == EINTR) {
    }
    std::error_code ignored;
    std::filesystem::remove_all(m_path, ignored);
    ::_exit(0);
  }
  ::close(ends[0]);
  m_alive = ends[1];
  if (m_guard < 0) {
    std::filesystem::remove_all(m_path);
    native::throw_host_error("fork", errno);
  }
}

PrivateFolder::~PrivateFolder() {
  ::close(m_alive);
  ::waitpid(m_guard, nullptr, 0);
}

void PrivateFolder::empty() const {
  for (const auto& entry : std::filesystem::directory_iterator{m_path}) std::filesystem::remove_all(entry.path());
}

}  // namespace sluice::differential
