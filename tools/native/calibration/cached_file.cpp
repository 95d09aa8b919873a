// SPDX-License-Identifier: Apache-2.0
#include "tools/native/calibration/cached_file.h"

#include <fstream>
#include <limits>

#include "models/base/quantity.h"
#include "models/base/result.h"

namespace sluice::calibration {
namespace {

native::TestFiles make_file(const std::filesystem::path& folder, base::Bytes size) {
  constexpr base::Bytes kMebibyte = base::Bytes{1} << 20;
  if (const base::Bytes free = available_memory(); free != 0 && free / 2 < size) {
    throw base::InputError{"a test file of " + base::to_text(size) + " needs twice as much free memory; there are " +
                           base::to_text(free & ~(kMebibyte - 1))};
  }
  return native::TestFiles::make(folder, {base::make_synthetic_content(size, 1)});
}

}  // namespace

base::Bytes available_memory() {
  std::ifstream file{"/proc/meminfo"};
  std::string key;
  base::Bytes kibibytes = 0;
  while (file >> key >> kibibytes) {
    if (key == "MemAvailable:") return kibibytes << 10;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

CachedFile::CachedFile(const std::filesystem::path& folder, base::Bytes size)
    : m_size(size), m_files(make_file(folder, size)) {
  m_files.warm();
}

}  // namespace sluice::calibration
