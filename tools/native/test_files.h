// SPDX-License-Identifier: Apache-2.0
// The files that native runs send, and the state of the host's page cache before each run.
//
// - Files made here have no name: they are gone with the last process that holds them, however it ends.
// - Programs open them by path, as "/N" under `root()`: the kernel's link to descriptor N, which they inherit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "models/base/content.h"
#include "tools/native/descriptor.h"

namespace sluice::native {

class TestFiles {
 public:
  /// Writes one file per content, on the file system of `directory`, to its medium. InputError when there is no space.
  static TestFiles make(const std::filesystem::path& directory,
                        const std::vector<std::shared_ptr<const base::Content>>& contents);
  /// A file that is there already; it is only read.
  static TestFiles open(const std::string& path);

  /// For HostOptions.root.
  [[nodiscard]] static std::filesystem::path root() { return "/proc/self/fd"; }
  /// As programs under `root()` name the files.
  [[nodiscard]] std::vector<std::string> paths() const;
  [[nodiscard]] std::uint64_t bytes() const;

  /// All pages in the page cache, brought there by reading 1 MiB at a time (folios are as large as that makes them),
  /// and none of their lines in a CPU cache (where the processor lets a program evict them: x86-64 and AArch64).
  /// `hot`: and then read once more, so that the CPU caches hold as much as fits. InputError when pages do not stay in
  /// memory.
  void warm(bool hot = false) const;
  /// No page in the page cache. InputError when the file system keeps them, as tmpfs does.
  void cool() const;
  /// Pages in the page cache now, of all files (mincore).
  [[nodiscard]] std::uint64_t resident_pages() const;
  [[nodiscard]] std::uint64_t pages() const;

 private:
  struct File {
    Descriptor descriptor;
    std::uint64_t size = 0;
  };
  explicit TestFiles(std::vector<File> files) : m_files(std::move(files)) {}

  std::vector<File> m_files;
};

}  // namespace sluice::native
