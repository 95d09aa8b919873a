// SPDX-License-Identifier: Apache-2.0
// A look at a file's pages through a mapping: which are in memory, and their lines out of the CPU caches.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::native {

/// Pages that hold `size` bytes.
std::uint64_t pages_of(std::uint64_t size);

class MappedFile {
 public:
  /// Maps `size` > 0 bytes to read. InputError when the file system cannot.
  MappedFile(int fd, std::uint64_t size);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  /// By mincore: pages in the page cache. It does not touch them.
  [[nodiscard]] std::uint64_t resident_pages() const;
  /// Writes back and drops every line of the file from all caches of the machine. Nothing on processors that keep this
  /// from programs.
  void evict_from_cpu_caches() const;

 private:
  std::byte* m_at;
  std::uint64_t m_size;
};

}  // namespace sluice::native
