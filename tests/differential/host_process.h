// SPDX-License-Identifier: Apache-2.0
// What a process of the host does before it runs a program, so that both kernels see the program in the same position.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>

#include "models/base/types.h"
#include "tests/differential/program.h"

namespace sluice::differential {

/// The files of a program, with `pattern` in them.
void place_files(const std::filesystem::path& folder, const std::array<std::uint64_t, kFiles>& sizes);

/// Descriptors begin at 0 and end at `descriptors`; 8 MiB may be locked. No capabilities: the simulated kernel knows
/// one user without privileges; root may, for one, have larger pipes.
void become_simulated_user(int descriptors);

/// Puts a disk of `size` in place of `folder`, for this process alone and those that it forks. False: this host does
/// not let its users do that.
bool mount_small_disk(const std::filesystem::path& folder, Bytes size);

}  // namespace sluice::differential
