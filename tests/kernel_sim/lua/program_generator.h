// SPDX-License-Identifier: Apache-2.0
// Random Lua programs that use whatever a program can call, rightly and wrongly: wrong types, huge numbers, tables
// within themselves, deep recursion, patterns that go back and forth, processes that fork processes, texts that are no
// Lua.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::lua {

/// The same text for the same numbers. Its function `main` is the program.
std::string random_program(std::uint64_t seed, std::uint64_t index);

}  // namespace sluice::lua
