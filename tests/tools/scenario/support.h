// SPDX-License-Identifier: Apache-2.0
// A folder of input files for one test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include "models/base/result.h"
#include "tools/scenario/scenario.h"

namespace sluice::tests {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-XXXXXX").string();
    m_path = mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(m_path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string path(const std::string& name) const { return (m_path / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream{m_path / name, std::ios::binary} << text;
    return path(name);
  }

 private:
  std::filesystem::path m_path;
};

/// A machine with all components and default parameters.
inline const std::string kPlatform =
    "schema: sluice.platform/1\n"
    "links:\n"
    "  - { name: core, from: cpu, to: cache, kind: bus }\n"
    "  - { name: memory_bus, from: cache, to: memory, kind: bus }\n"
    "  - { name: io, from: root_complex, to: cache, kind: bus }\n"
    "  - { name: pcie.disk, from: disk, to: root_complex, kind: pcie }\n"
    "  - { name: pcie.nic, from: nic, to: root_complex, kind: pcie }\n"
    "  - { name: ethernet, from: nic, to: peer, kind: wire }\n"
    "cpu:\nmmu:\ncache:\nmemory:\nroot_complex:\ndisk:\nwire:\npeer:\n"
    "nic: { rate: { value: 10 Gbps, source: \"a test\" } }\n"
    "irq:\n";

inline const std::string kScenario =
    "schema: sluice/1\n"
    "platform: platform.yaml\n"
    "workload: { file: { size: 64 KiB } }\n"
    "strategies: [read_write]\n";

/// The message that `path` is refused with, without the folder's name; empty when it is accepted.
inline std::string complaint(const Folder& folder, const std::string& path,
                             const scenario::CommandLine& command_line = {}) {
  try {
    (void)scenario::load_scenario(path, command_line);
  } catch (const base::InputError& refused) {
    std::string text = refused.what();
    const std::string prefix = folder.path("");
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) text.erase(at, prefix.size());
    return text;
  }
  return "";
}

}  // namespace sluice::tests
