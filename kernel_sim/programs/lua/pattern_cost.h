// SPDX-License-Identifier: Apache-2.0
// Private to this folder: how many steps Lua's matcher takes for a pattern, found out by taking them with a counter.
// The matcher is C and can go back and forth over a text for years; nothing of Lua looks at the clock meanwhile. So the
// functions of `string` that match count first, stop at a limit, and only then match.
#pragma once

#include <cstdint>
#include <string_view>

#include <lua5.4/lua.hpp>

namespace sluice::lua {

enum class Matches : std::uint8_t {
  First,  ///< find and match
  All     ///< gsub and gmatch, as many as `most`
};

struct PatternSearch {
  std::string_view text;  ///< with a zero behind its end, as all texts of Lua, and so has the pattern
  std::string_view pattern;
  std::size_t from = 0;  ///< offset in the text
  Matches matches = Matches::First;
  bool may_be_anchored = true;  ///< "^" at the start of the pattern is no character
  std::uint64_t most = 0;
};

/// Steps, about as costly as an instruction each; a number above `limit` when there are more than that. Raises Lua's
/// errors for patterns that are none.
std::uint64_t pattern_steps(lua_State* L, const PatternSearch& search, std::uint64_t limit);

}  // namespace sluice::lua
