// SPDX-License-Identifier: Apache-2.0
// A file whose pages are all in the page cache, for as long as this object lives. It has no name, so that nothing is
// left of it however this process ends.
#pragma once

#include <filesystem>
#include <string>

#include "models/base/types.h"

namespace sluice::calibration {

class CachedFile {
 public:
  /// In `folder`; `size` is a multiple of the page size. InputError: no such folder, no room on its file system, or
  /// not twice `size` of free memory.
  CachedFile(const std::filesystem::path& folder, base::Bytes size);
  ~CachedFile();
  CachedFile(const CachedFile&) = delete;
  CachedFile& operator=(const CachedFile&) = delete;

  /// Opens the file anew in this process and in those that it forks.
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(m_descriptor); }
  [[nodiscard]] base::Bytes size() const { return m_size; }
  [[nodiscard]] int descriptor() const { return m_descriptor; }

 private:
  void fill();

  base::Bytes m_size;
  int m_descriptor = -1;
};

/// /proc/meminfo: memory that can be used without swapping; 0 when unknown.
base::Bytes available_memory();

}  // namespace sluice::calibration
