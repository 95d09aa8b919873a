// SPDX-License-Identifier: Apache-2.0
#include "tools/sluice/output_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <system_error>
#include <unistd.h>

#include <sys/stat.h>

#include "models/base/result.h"

namespace sluice::tool {
namespace {

[[noreturn]] void refuse(const std::string& path) {
  throw base::InputError{path + ": cannot be written: " + std::strerror(errno)};
}

/// A link stays; the file that it names is written.
std::string behind_links(std::string path) {
  std::error_code error;
  if (!std::filesystem::is_symlink(path, error)) return path;
  const std::filesystem::path file = std::filesystem::weakly_canonical(path, error);
  return error ? path : file.string();
}

}  // namespace

OutputFile::OutputFile(std::string path)
    : m_path(behind_links(std::move(path))), m_temporary(m_path + ".partial-" + std::to_string(getpid())) {
  struct stat status {};
  if (stat(m_path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
    errno = EISDIR;
    refuse(m_path);
  }
  if (stat(m_path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) m_temporary = m_path;  // a device or a pipe
  m_descriptor = open(m_temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (m_descriptor < 0) refuse(m_path);
}

OutputFile::~OutputFile() {
  if (m_descriptor < 0) return;
  close(m_descriptor);
  if (m_temporary != m_path) unlink(m_temporary.c_str());
}

void OutputFile::commit(const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = write(m_descriptor, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) refuse(m_path);
    done += static_cast<std::size_t>(n);
  }
  if (close(m_descriptor) != 0) refuse(m_path);
  if (m_temporary != m_path && rename(m_temporary.c_str(), m_path.c_str()) != 0) refuse(m_path);
  m_descriptor = -1;
}

}  // namespace sluice::tool
