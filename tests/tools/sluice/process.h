// SPDX-License-Identifier: Apache-2.0
// Runs the sluice binary as a person would.
#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>

#include <sys/wait.h>

namespace sluice::tests {

struct Outcome {
  int status = -1;  ///< exit status
  std::string out;
  std::string err;
};

inline std::string read_all(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// `arguments` as a shell would see them; standard error goes through a file in `folder`.
inline Outcome sluice(const std::string& arguments, const std::string& folder) {
  const std::string errors = folder + "/stderr";
  const std::string command = std::string{SLUICE_BINARY} + " " + arguments + " 2>" + errors;
  Outcome outcome;
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return outcome;
  std::array<char, 65536> buffer;
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    outcome.out.append(buffer.data(), n);
  }
  const int status = pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.err = read_all(errors);
  std::filesystem::remove(errors);
  return outcome;
}

}  // namespace sluice::tests
