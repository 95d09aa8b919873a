// SPDX-License-Identifier: Apache-2.0
// A folder of input files for one test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include "models/base/result.h"
#include "models/disk/disk_config.h"
#include "models/nic/nic_config.h"
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
    "cpu:\nmmu:\ncache:\nmemory:\nroot_complex:\ndisk:\nwire:\npeer:\n"
    "nic: { rate: { value: 10 Gbps, source: \"a test\" } }\n"
    "irq:\n";

inline const std::string kScenario =
    "schema: sluice/1\n"
    "platform: platform.yaml\n"
    "workload: { file: { size: 64 KiB } }\n"
    "strategies: [read_write]\n";

/// The parameters of a device of a machine.
inline const nic::NicConfig& nic_of(const scenario::Configuration& configuration, const char* name = "nic") {
  return configuration.machine.find(name)->as<nic::ConnectedNicConfig>().nic;
}
inline const disk::DiskConfig& disk_of(const scenario::Configuration& configuration, const char* name = "disk") {
  return configuration.machine.find(name)->as<disk::DiskConfig>();
}

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
