// SPDX-License-Identifier: Apache-2.0
// A file that exists only when it is complete: written under another name beside it and renamed at the end.
#pragma once

#include <string>

namespace sluice::tool {

class OutputFile {
 public:
  /// Creates the file under its temporary name; InputError when it cannot be written.
  explicit OutputFile(std::string path);
  /// Removes what was not committed.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Writes the whole text and gives the file its name.
  void commit(const std::string& text);

 private:
  std::string m_path;
  std::string m_temporary;
  int m_descriptor;
};

}  // namespace sluice::tool
