// SPDX-License-Identifier: Apache-2.0
// Functions of Lua's library that can run for years in C, where nothing counts instructions. Here they count as much
// work as they do. What they give is what Lua's own give.
#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "kernel_sim/programs/lua/pattern_cost.h"
#include "kernel_sim/programs/lua/runtime.h"

namespace sluice::lua {
namespace {

constexpr std::string_view kSpecial = "^$*+?.([%-";

/// The offset that a position means, which counts from the end when it is negative. May be behind the end.
std::size_t offset_at(lua_State* L, int index, std::size_t size) {
  const lua_Integer position = luaL_optinteger(L, index, 1);
  if (position > 0) return static_cast<std::size_t>(position) - 1;
  if (position == 0 || position < -static_cast<lua_Integer>(size)) return 0;
  return size + static_cast<std::size_t>(position);
}

void spend_on(lua_State* L, const PatternSearch& search) {
  Runtime& r = Runtime::of(L);
  r.spend(L, pattern_steps(L, search, r.left()));
}

/// Lua's own function, an upvalue of the one that runs, on its arguments.
int own_function(lua_State* L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

int find_plainly(lua_State* L, std::string_view text, std::string_view wanted, std::size_t from) {
  Runtime::of(L).spend(L, (text.size() - from) / 8);
  const void* const at = ::memmem(text.data() + from, text.size() - from, wanted.data(), wanted.size());
  if (at == nullptr) {
    lua_pushnil(L);
    return 1;
  }
  const auto start = static_cast<const char*>(at) - text.data();
  lua_pushinteger(L, start + 1);
  lua_pushinteger(L, start + static_cast<std::ptrdiff_t>(wanted.size()));
  return 2;
}

int find(lua_State* L) {
  const std::string_view text = text_at(L, 1);
  const std::string_view pattern = text_at(L, 2);
  const std::size_t from = offset_at(L, 3, text.size());
  if (from <= text.size()) {
    const bool plain = lua_toboolean(L, 4) != 0 || pattern.find_first_of(kSpecial) == std::string_view::npos;
    if (plain) return find_plainly(L, text, pattern, from);
    spend_on(L, {.text = text, .pattern = pattern, .from = from});
  }
  return own_function(L);
}

int match(lua_State* L) {
  const std::string_view text = text_at(L, 1);
  const std::string_view pattern = text_at(L, 2);
  const std::size_t from = offset_at(L, 3, text.size());
  if (from <= text.size()) spend_on(L, {.text = text, .pattern = pattern, .from = from});
  return own_function(L);
}

int gmatch(lua_State* L) {
  const std::string_view text = text_at(L, 1);
  const std::string_view pattern = text_at(L, 2);
  const std::size_t from = offset_at(L, 3, text.size());
  if (from <= text.size()) {
    spend_on(L, {.text = text,
                 .pattern = pattern,
                 .from = from,
                 .matches = Matches::All,
                 .may_be_anchored = false,
                 .most = text.size() + 1});
  }
  return own_function(L);
}

int gsub(lua_State* L) {
  const std::string_view text = text_at(L, 1);
  const std::string_view pattern = text_at(L, 2);
  const int kind = lua_type(L, 3);
  luaL_argexpected(L, kind == LUA_TNUMBER || kind == LUA_TSTRING || kind == LUA_TFUNCTION || kind == LUA_TTABLE, 3,
                   "string/function/table");
  const lua_Integer most = luaL_optinteger(L, 4, static_cast<lua_Integer>(text.size()) + 1);
  spend_on(L, {.text = text,
               .pattern = pattern,
               .matches = Matches::All,
               .most = static_cast<std::uint64_t>(std::max<lua_Integer>(most, 0))});
  return own_function(L);
}

int rep(lua_State* L) {
  constexpr std::size_t kMost = std::size_t{1} << 40;
  const std::string_view text = text_at(L, 1);
  const lua_Integer n = luaL_checkinteger(L, 2);
  std::size_t between_size = 0;
  const char* const between = luaL_optlstring(L, 3, "", &between_size);
  const std::size_t each = text.size() + between_size;
  if (n <= 0 || each == 0) {
    lua_pushliteral(L, "");
    return 1;
  }
  const auto times = static_cast<std::size_t>(n);
  if (times > kMost / each) return luaL_error(L, "resulting string too large");
  luaL_Buffer buffer;
  char* to = luaL_buffinitsize(L, &buffer, times * each - between_size);
  for (std::size_t i = 0; i < times; ++i) {
    to = std::copy(text.begin(), text.end(), to);
    if (i + 1 < times) to = std::copy_n(between, between_size, to);
  }
  luaL_pushresultsize(&buffer, times * each - between_size);
  return 1;
}

/// Moving elements by one, from `at` to `last`.
void spend_on_move(lua_State* L, lua_Integer at, lua_Integer last) {
  if (at < last) Runtime::of(L).spend(L, static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(at));
}

int insert(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  const int given = lua_gettop(L);
  if (given != 2 && given != 3) return luaL_error(L, "wrong number of arguments to 'insert'");
  const auto end = static_cast<lua_Integer>(static_cast<lua_Unsigned>(luaL_len(L, 1)) + 1);
  const lua_Integer position = given == 2 ? end : luaL_checkinteger(L, 2);
  if (given == 3) {
    luaL_argcheck(L, static_cast<lua_Unsigned>(position) - 1 < static_cast<lua_Unsigned>(end), 2,
                  "position out of bounds");
    spend_on_move(L, position, end);
    for (lua_Integer i = end; i > position; --i) {
      lua_geti(L, 1, i - 1);
      lua_seti(L, 1, i);
    }
  }
  lua_seti(L, 1, position);
  return 0;
}

int remove(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  const lua_Integer size = luaL_len(L, 1);
  lua_Integer position = luaL_optinteger(L, 2, size);
  if (lua_gettop(L) > 1) {
    luaL_argcheck(L, position == size || static_cast<lua_Unsigned>(position) - 1 <= static_cast<lua_Unsigned>(size), 2,
                  "position out of bounds");
  }
  spend_on_move(L, position, size);
  lua_geti(L, 1, position);
  for (; position < size; ++position) {
    lua_geti(L, 1, position + 1);
    lua_seti(L, 1, position);
  }
  lua_pushnil(L);
  lua_seti(L, 1, position);
  return 1;
}

}  // namespace

void open_bounded(lua_State* L) {
  struct Function {
    const char* library;
    const char* name;
    lua_CFunction call;
  };
  constexpr std::array kBounded{
      Function{LUA_STRLIBNAME, "find", find},     Function{LUA_STRLIBNAME, "match", match},
      Function{LUA_STRLIBNAME, "gmatch", gmatch}, Function{LUA_STRLIBNAME, "gsub", gsub},
      Function{LUA_STRLIBNAME, "rep", rep},       Function{LUA_TABLIBNAME, "insert", insert},
      Function{LUA_TABLIBNAME, "remove", remove},
  };
  for (const Function& function : kBounded) {
    lua_getglobal(L, function.library);
    lua_getfield(L, -1, function.name);
    lua_pushcclosure(L, function.call, 1);
    lua_setfield(L, -2, function.name);
    lua_pop(L, 1);
  }
}

}  // namespace sluice::lua
