// SPDX-License-Identifier: Apache-2.0
// Runs the sluice binary as a person would.
#pragma once

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <unistd.h>
#include <vector>

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

struct Interrupted {
  bool began = false;          ///< it was ready before the signal was sent
  int status = 0;              ///< as waitpid() gives it
  bool children_left = false;  ///< a process of the group outlived sluice
};

/// Starts sluice in a process group of its own, as a shell does, and signals the group as soon as `ready` says so.
inline Interrupted interrupt(const std::vector<std::string>& arguments, const std::function<bool()>& ready,
                             int signal) {
  const pid_t id = fork();
  if (id == 0) {
    setpgid(0, 0);
    // What starts the tests may ignore them, as a shell does for jobs in the background.
    for (int number = 1; number < SIGRTMIN; ++number) std::signal(number, SIG_DFL);
    std::string binary = SLUICE_BINARY;
    std::vector<char*> argv{binary.data()};
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    if (std::freopen("/dev/null", "w", stderr) != nullptr) execv(SLUICE_BINARY, argv.data());
    _exit(127);
  }
  setpgid(id, id);
  Interrupted outcome;
  for (int i = 0; i < 3000 && !outcome.began; ++i) {
    usleep(10'000);
    outcome.began = ready();
  }
  kill(-id, signal);
  waitpid(id, &outcome.status, 0);
  outcome.children_left = kill(-id, 0) == 0;
  return outcome;
}

/// As soon as `file` exists.
inline Interrupted interrupt(const std::vector<std::string>& arguments, const std::string& file, int signal) {
  return interrupt(
      arguments, [&] { return std::filesystem::exists(file); }, signal);
}

}  // namespace sluice::tests
