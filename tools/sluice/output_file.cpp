// SPDX-License-Identifier: Apache-2.0
#include "tools/sluice/output_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/stat.h>

#include "models/base/result.h"
#include "tools/simulate/interrupts.h"
#include "tools/sluice/streams.h"

namespace sluice::tool {
namespace {

/// How long a wait for a pipe's reader lasts before the pipe is tried again.
constexpr int kReaderPoll = 50;

[[noreturn]] void refuse(const std::string& path) {
  throw base::InputError{path + ": cannot be written: " + std::strerror(errno)};
}

/// A link stays; the file that it names is written.
std::string behind_links(std::string path) {
  std::error_code error;
  if (!std::filesystem::is_symlink(path, error)) return path;
  const std::filesystem::path file = std::filesystem::weakly_canonical(path, error);
  return error || !std::filesystem::exists(file, error) ? path : file.string();
}

bool may_be_lost(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(path, ignored);
  return !path.empty() && path != "-" && !std::filesystem::is_other(status);
}

bool same_file(const std::string& one, const std::string& other) {
  std::error_code ignored;
  if (std::filesystem::equivalent(one, other, ignored)) return true;
  const std::filesystem::path a = std::filesystem::weakly_canonical(one, ignored);
  return !a.empty() && a == std::filesystem::weakly_canonical(other, ignored);
}

}  // namespace

OutputFile::OutputFile(std::string path) : m_path(behind_links(std::move(path))) {
  struct stat status {};
  const bool exists = stat(m_path.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) {
    errno = EISDIR;
    refuse(m_path);
  }
  if (exists && S_ISFIFO(status.st_mode)) {
    if (access(m_path.c_str(), W_OK) != 0) refuse(m_path);
    return;
  }
  if (exists && !S_ISREG(status.st_mode)) {
    open_for_writing(O_WRONLY);
    return;
  }
  m_temporary = fmt::format("{}.partial-{}", m_path, getpid());
  open_for_writing(O_WRONLY | O_CREAT | O_TRUNC);
}

OutputFile::~OutputFile() {
  if (m_descriptor >= 0) close(m_descriptor);
  if (!m_temporary.empty()) unlink(m_temporary.c_str());
}

void OutputFile::commit(std::string_view text) {
  if (m_descriptor < 0) wait_for_reader();
  const std::string out = printable(text);
  for (std::size_t done = 0; done < out.size();) {
    const ssize_t n = write(m_descriptor, out.data() + done, out.size() - done);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN) {
      simulate::wait_for(m_descriptor, POLLOUT, -1);
    } else if (errno == EINTR) {
      simulate::stop_if_interrupted();
    } else {
      refuse(m_path);
    }
  }
  if (close(std::exchange(m_descriptor, -1)) != 0) refuse(m_path);
  if (m_temporary.empty()) return;
  if (rename(m_temporary.c_str(), m_path.c_str()) != 0) refuse(m_path);
  m_temporary.clear();
}

void OutputFile::open_for_writing(int flags) {
  m_descriptor = open(m_temporary.empty() ? m_path.c_str() : m_temporary.c_str(), flags | O_CLOEXEC, 0666);
  if (m_descriptor < 0) refuse(m_path);
}

/// A pipe is opened and written without blocking, so that an interrupt is never waited for.
void OutputFile::wait_for_reader() {
  while (m_descriptor < 0) {
    m_descriptor = open(m_path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (m_descriptor >= 0) return;
    if (errno != ENXIO) refuse(m_path);
    simulate::wait_for(-1, 0, kReaderPoll);
  }
}

std::unique_ptr<OutputFile> open_output(const std::string& path) {
  return path.empty() || path == "-" ? nullptr : std::make_unique<OutputFile>(path);
}

void refuse_overwriting(std::vector<NamedFile> outputs, const std::vector<NamedFile>& inputs) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file("/dev/stdout", ignored)) outputs.push_back({"standard output", "/dev/stdout"});
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const NamedFile& output = outputs[i];
    if (!may_be_lost(output.path)) continue;
    if (std::filesystem::is_directory(output.path, ignored)) {
      errno = EISDIR;
      refuse(output.path);
    }
    for (const NamedFile& input : inputs) {
      if (!may_be_lost(input.path) || !same_file(output.path, input.path)) continue;
      throw base::InputError{fmt::format("{}: {} is {}, which is read", output.name, output.path, input.name)};
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (!may_be_lost(outputs[j].path) || !same_file(output.path, outputs[j].path)) continue;
      throw base::InputError{fmt::format("{} and {}: both are {}", outputs[j].name, output.name, outputs[j].path)};
    }
  }
}

}  // namespace sluice::tool
