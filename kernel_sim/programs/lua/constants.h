// SPDX-License-Identifier: Apache-2.0
// Private to this folder: the numbers that programs know by name.
#pragma once

#include <cstdint>
#include <span>

namespace sluice::lua {

struct Constant {
  const char* name;
  std::int64_t value;
};

std::span<const Constant> all_constants();

}  // namespace sluice::lua
