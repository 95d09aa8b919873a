// SPDX-License-Identifier: Apache-2.0
#include "tools/native/calibration/cached_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <limits>
#include <unistd.h>
#include <vector>

#include "models/base/quantity.h"
#include "models/base/result.h"

namespace sluice::calibration {
namespace {

constexpr base::Bytes kPiece = base::Bytes{1} << 20;

[[noreturn]] void refuse(const std::filesystem::path& folder, const char* what) {
  throw base::InputError{folder.string() + ": " + what + ": " + std::strerror(errno)};
}

int open_without_name(const std::filesystem::path& folder) {
  const int descriptor = open(folder.c_str(), O_TMPFILE | O_RDWR, 0600);
  if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return descriptor;
  std::string name = (folder / "sluice-calibrate-XXXXXX").string();  // a file system without O_TMPFILE
  const int named = mkstemp(name.data());
  if (named >= 0) unlink(name.c_str());
  return named;
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

CachedFile::CachedFile(const std::filesystem::path& folder, base::Bytes size) : m_size(size) {
  if (const base::Bytes free = available_memory(); free != 0 && free / 2 < size) {
    throw base::InputError{"a test file of " + base::to_text(size) + " needs twice as much free memory; there are " +
                           base::to_text(free & ~(kPiece - 1))};
  }
  m_descriptor = open_without_name(folder);
  if (m_descriptor < 0) refuse(folder, "no test file can be made here");
  try {
    fill();
  } catch (...) {
    close(m_descriptor);
    throw;
  }
}

CachedFile::~CachedFile() { close(m_descriptor); }

/// Written in large pieces, as programs write files, so that the page cache holds it in the folios it would hold them
/// in; then on disk, so that no write-back runs beside the measurements.
void CachedFile::fill() {
  std::vector<std::uint64_t> piece(kPiece / sizeof(std::uint64_t));
  std::uint64_t word = 1;
  for (base::Bytes done = 0; done < m_size;) {
    for (std::uint64_t& value : piece) value = word += 0x9E37'79B9'7F4A'7C15U;
    const base::Bytes wanted = std::min(kPiece, m_size - done);
    const ssize_t n = write(m_descriptor, piece.data(), wanted);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) refuse("test file", "cannot be written");
    done += static_cast<base::Bytes>(n);
  }
  if (fsync(m_descriptor) != 0) refuse("test file", "cannot be written");
}

}  // namespace sluice::calibration
