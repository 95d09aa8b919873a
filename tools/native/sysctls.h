// SPDX-License-Identifier: Apache-2.0
// Settings of the host's kernel that are parameters of a platform as they stand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::native {

/// A parameter that can be read instead of measured.
struct HostFact {
  std::string parameter;  ///< of the platform
  std::string value;      ///< as a platform file has it, with unit
  std::string source;     ///< where it was read
};
/// Those under /proc/sys that this process may read.
std::vector<HostFact> read_sysctls();

/// The first line; nothing when it cannot be read.
std::optional<std::string> read_line(const std::string& path);
/// The number at `place` (from 0) of the first line.
std::optional<std::uint64_t> read_number(const std::string& path, unsigned place = 0);

}  // namespace sluice::native
