// SPDX-License-Identifier: Apache-2.0
// A file whose pages are all in the page cache, in the folios that native runs have. It has no name, so that nothing
// is left of it however this process ends.
#pragma once

#include <filesystem>
#include <string>

#include "models/base/types.h"
#include "tools/native/test_files.h"

namespace sluice::calibration {

class CachedFile {
 public:
  /// In `folder`; `size` is a multiple of the page size. InputError: no such folder, no room on its file system, or
  /// not twice `size` of free memory.
  CachedFile(const std::filesystem::path& folder, base::Bytes size);

  /// Opens the file anew in this process and in those that it forks.
  [[nodiscard]] std::string path() const { return native::TestFiles::root().string() + m_files.paths().front(); }
  [[nodiscard]] base::Bytes size() const { return m_size; }

 private:
  base::Bytes m_size;
  native::TestFiles m_files;
};

/// /proc/meminfo: memory that can be used without swapping; 0 when unknown.
base::Bytes available_memory();

}  // namespace sluice::calibration
