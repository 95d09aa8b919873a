// SPDX-License-Identifier: Apache-2.0
// Random programs. Most calls are ones that can succeed, on descriptors of the right kind and mapped memory; the rest
// is wrong in one way or another. Numbers lie where behaviour changes: around pages, pipes, ends of files.
#pragma once

#include <cstdint>

#include "tests/differential/program.h"

namespace sluice::differential {

/// The same seed and index give the same program, on every machine.
Program generate(std::uint64_t seed, std::uint64_t index);

}  // namespace sluice::differential
