// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <unistd.h>
#include <vector>

#include "tools/native/host_system_calls.h"

namespace sluice::tests {

using Counts = std::map<std::string, std::uint64_t>;
using kernel_sim::SystemCalls;
using kernel_sim::UserAddress;

/// A folder of files for one test, gone after it.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-native-XXXXXX").string();
    m_path = mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(m_path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return m_path; }
  /// `size` bytes of which no two aligned words are alike.
  std::vector<std::byte> write(const std::string& name, std::uint64_t size) const {
    std::vector<std::byte> bytes(size);
    std::uint64_t word = 0;
    for (std::uint64_t i = 0; i < size; ++i) {
      if (i % 8 == 0) word = (i / 8 + 1) * 0x9E37'79B9'7F4A'7C15U;
      bytes[i] = static_cast<std::byte>(word >> (i % 8 * 8));
    }
    std::ofstream{m_path / name, std::ios::binary}.write(reinterpret_cast<const char*>(bytes.data()),
                                                         static_cast<std::streamsize>(size));
    return bytes;
  }

 private:
  std::filesystem::path m_path;
};

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span{text}); }

}  // namespace sluice::tests
