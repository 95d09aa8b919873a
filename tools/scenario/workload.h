// SPDX-License-Identifier: Apache-2.0
// What a run sends: files, in chunks, from a page cache that is cold or warm.
#pragma once

#include <cstdint>
#include <string>

#include "models/base/parameters.h"

namespace sluice::scenario {

enum class PageCache : std::uint8_t { Cold, Warm };

/// One file of the host, or `count` synthetic files of `size` bytes each, file number i made from `seed` + i.
struct Workload {
  enum class Form : std::uint8_t { File, Files, Path };

  Form form = Form::File;
  std::string path;  ///< of Form::Path: the host's file
  Bytes size = 64_KiB;
  unsigned count = 1;
  unsigned seed = 1;
  Bytes chunk = 64_KiB;  ///< bytes per read, write, sendfile or splice call
  PageCache page_cache = PageCache::Cold;

  [[nodiscard]] Bytes payload() const { return size * count; }
  [[nodiscard]] bool warm() const { return page_cache == PageCache::Warm; }
  /// The parameters of the present form: `file.size` or `files.size`, and so on.
  void describe(base::ParameterTable& table);
};

}  // namespace sluice::scenario
