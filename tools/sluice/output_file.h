// SPDX-License-Identifier: Apache-2.0
// A file that exists only when it is complete: written under another name beside it and renamed at the end.
// A device is opened at once and a pipe at the end, when there is something to write; both are written as they are.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::tool {

class OutputFile {
 public:
  /// Creates the file under its temporary name; InputError when it cannot be written.
  explicit OutputFile(std::string path);
  /// Removes what was not committed.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Writes the whole text, control characters as escapes, and gives the file its name. Waits for a reader when the
  /// file is a pipe. InputError when the text cannot be written, Interrupted.
  void commit(std::string_view text);

 private:
  void open_for_writing(int flags);
  void wait_for_reader();

  std::string m_path;
  std::string m_temporary;  // empty: written in place
  int m_descriptor = -1;
};

/// Null for no path and for "-", which is standard output.
std::unique_ptr<OutputFile> open_output(const std::string& path);

/// A file with the name by which a message speaks of it: "--json", "the platform file".
struct NamedFile {
  std::string name;
  std::string path;  ///< empty, "-" and devices are no file that could be lost
};
/// Refuses (InputError) an output that would replace an input or another output. Standard output counts as an output
/// when it is a file.
void refuse_overwriting(std::vector<NamedFile> outputs, const std::vector<NamedFile>& inputs);

}  // namespace sluice::tool
