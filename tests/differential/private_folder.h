// SPDX-License-Identifier: Apache-2.0
// A temporary folder that is gone when this process is, however it ends: another process, which keys and closed
// terminals do not reach, waits for the end of a pipe and removes it.
#pragma once

#include <filesystem>

#include <sys/types.h>

namespace sluice::differential {

class PrivateFolder {
 public:
  /// InputError when there can be none.
  PrivateFolder();
  ~PrivateFolder();
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return m_path; }
  /// Removes what is in it.
  void empty() const;

 private:
  std::filesystem::path m_path;
  int m_alive = -1;  ///< closed by the end of this process
  pid_t m_guard = -1;
};

}  // namespace sluice::differential
