// SPDX-License-Identifier: Apache-2.0
// The folder that programs see as "/", with the scenario's files in it.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tools/scenario/programs.h"

namespace sluice::native {

class ProgramFolder {
 public:
  /// A new folder in `directory`; gone with this object, with all that programs put there.
  explicit ProgramFolder(const std::filesystem::path& directory);
  ~ProgramFolder();
  ProgramFolder(const ProgramFolder&) = delete;
  ProgramFolder& operator=(const ProgramFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

  /// The folder holds these files and nothing else, and of each as much lies in the page cache as it says. Files that
  /// nobody has changed since the last time stay. InputError when there is no space, or pages do not stay or leave.
  void prepare(const std::vector<scenario::FileChoice>& files);

 private:
  /// What shows whether a file is the one that was made.
  struct Made {
    std::uint64_t inode = 0;
    std::int64_t changed_ns = 0;
    std::uint64_t size = 0;
    std::string from;
    bool operator==(const Made&) const = default;
  };

  [[nodiscard]] Made look(const scenario::FileChoice& file) const;
  void make(const scenario::FileChoice& file);
  void remove_others(const std::vector<scenario::FileChoice>& files) const;
  void settle_cache(const scenario::FileChoice& file) const;

  std::filesystem::path m_path;
  std::map<std::string, Made> m_made;
};

}  // namespace sluice::native
