// SPDX-License-Identifier: Apache-2.0
// A field case: a small program in Lua that somebody had trouble with in practice. It runs on this host's Linux and on
// the simulated kernel, and both must give the same answers. No case holds an expected value: Linux is the expectation.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "kernel_sim/programs/lua/program.h"
#include "tests/differential/program.h"

namespace sluice::field_cases {

/// Where the files of a case lie.
enum class Disk : std::uint8_t {
  Ample,
  Small,  ///< of kSmallDisk bytes, so that a case can fill it
};

struct FieldCase {
  std::string id;      ///< stays the same for good; the function of the program
  std::string source;  ///< the public projects and issues that reported it, or the manual page
  std::string about;
  std::array<std::uint64_t, differential::kFiles> file_sizes{};  ///< of the files a, b and c, in bytes
  Disk disk = Disk::Ample;
  std::string difference;  ///< why it does not agree with Linux; empty for a case that must
  std::shared_ptr<const lua::Program> program;
};

/// The cases of all files of the folder. InputError for a file that is no program, or where the table `cases` and the
/// functions do not fit each other.
std::vector<FieldCase> load_cases(const std::filesystem::path& folder);

}  // namespace sluice::field_cases
