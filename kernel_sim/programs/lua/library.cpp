// SPDX-License-Identifier: Apache-2.0
// Lua's own library, without what reaches the host and with what depends on chance made fixed.
#include <algorithm>
#include <array>
#include <string>
#include <tuple>
#include <vector>

#include "kernel_sim/programs/lua/runtime.h"

namespace sluice::lua {
namespace {

/// Part of the library that is written in Lua. It gets what it wraps as parameters and defines globals.
constexpr const char* kPrelude = R"(
local alive, keys, text_of = ...
local pcall_, xpcall_, format_, seed_ = pcall, xpcall, string.format, math.randomseed
local resume_, wrap_, close_ = coroutine.resume, coroutine.wrap, coroutine.close

function pcall(...) return alive(pcall_(...)) end
function xpcall(...) return alive(xpcall_(...)) end
function coroutine.resume(...) return alive(resume_(...)) end
function coroutine.close(...) return alive(close_(...)) end
function coroutine.wrap(f)
  local resumed = wrap_(f)
  return function(...) return alive(resumed(...)) end
end

tostring = text_of

function string.format(format, ...)
  if string.find(string.gsub(format, "%%%%", ""), "%%[-+ #0-9.]*p") then error("format has no %p", 2) end
  local values = table.pack(...)
  for i = 1, values.n do
    local kind = type(values[i])
    if kind ~= "number" and kind ~= "string" and kind ~= "boolean" and kind ~= "nil" then
      values[i] = text_of(values[i])
    end
  end
  return format_(format, table.unpack(values, 1, values.n))
end

function math.randomseed(a, b)
  if a == nil then error("randomseed needs a number: nothing here is left to chance", 2) end
  seed_(a, b or 0)
end

-- In the order of keys: numbers, text, then false and true.
function pairs(t)
  local all, n, i = keys(t)
  i = 0
  return function()
    while i < n do
      i = i + 1
      local value = t[all[i]]
      if value ~= nil then return all[i], value end
    end
  end, t, nil
end

function next(t, key)
  local all, n = keys(t)
  if key == nil then return all[1], all[1] ~= nil and t[all[1]] or nil end
  for i = 1, n do
    if rawequal(all[i], key) then
      if i == n then return nil end
      return all[i + 1], t[all[i + 1]]
    end
  end
  error("next: no such key", 2)
end

function table.move(from, first, last, to, target)
  target = target or from
  if last < first then return target end
  if to > last or to <= first or target ~= from then
    for i = 0, last - first do target[to + i] = from[first + i] end
  else
    for i = last - first, 0, -1 do target[to + i] = from[first + i] end
  end
  return target
end

local function less(a, b) return a < b end

-- Stable, so that equal elements have one order; a comparison that contradicts itself does no harm.
function table.sort(list, before)
  before = before or less
  local n, from, to, width = #list, list, {}, 1
  while width < n do
    for low = 1, n, 2 * width do
      local middle, high = math.min(low + width, n + 1), math.min(low + 2 * width, n + 1)
      local a, b = low, middle
      for k = low, high - 1 do
        if a < middle and (b >= high or not before(from[b], from[a])) then
          to[k], a = from[a], a + 1
        else
          to[k], b = from[b], b + 1
        end
      end
    end
    from, to, width = to, (from == list) and {} or from, 2 * width
  end
  if from ~= list then for i = 1, n do list[i] = from[i] end end
end
)";

/// Passes its arguments on, unless the process has been ended meanwhile.
int alive(lua_State* L) {
  Runtime& r = Runtime::of(L);
  r.spend(L, 0);
  r.look_at_time(L);
  return lua_gettop(L);
}

/// A table's keys as a list in a fixed order, and their number.
int keys(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  using Key = std::tuple<int, lua_Number, lua_Integer, std::string>;
  std::vector<Key> found;
  for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
    switch (lua_type(L, -2)) {
      case LUA_TNUMBER:
        found.emplace_back(0, lua_tonumber(L, -2), lua_isinteger(L, -2) ? lua_tointeger(L, -2) : 0, "");
        break;
      case LUA_TSTRING: {
        std::size_t size = 0;
        const char* text = lua_tolstring(L, -2, &size);
        found.emplace_back(1, 0, 0, std::string{text, size});
        break;
      }
      case LUA_TBOOLEAN:
        found.emplace_back(2, lua_toboolean(L, -2), 0, "");
        break;
      default:
        luaL_where(L, 2);
        lua_pushfstring(L, "%sa key of type %s has no fixed order", lua_tostring(L, -1), luaL_typename(L, -3));
        return lua_error(L);
    }
  }
  Runtime::of(L).spend(L, found.size());
  std::sort(found.begin(), found.end());
  lua_createtable(L, static_cast<int>(std::min<std::size_t>(found.size(), 1U << 20)), 0);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto& [kind, number, integer, text] = found[i];
    if (kind == 1) {
      lua_pushlstring(L, text.data(), text.size());
    } else if (kind == 2) {
      lua_pushboolean(L, number != 0);
    } else if (static_cast<lua_Number>(integer) == number) {
      lua_pushinteger(L, integer);
    } else {
      lua_pushnumber(L, number);
    }
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
  lua_pushinteger(L, static_cast<lua_Integer>(found.size()));
  return 2;
}

/// tostring, but values that have only an address are named by their type.
int text_of(lua_State* L) {
  luaL_checkany(L, 1);
  const int type = lua_type(L, 1);
  const bool has_text = type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TBOOLEAN || type == LUA_TNIL;
  if (has_text) {
    luaL_tolstring(L, 1, nullptr);
  } else if (luaL_callmeta(L, 1, "__tostring") != 0) {
    if (lua_isstring(L, -1) == 0) return luaL_error(L, "'__tostring' must return a string");
  } else {
    lua_pushstring(L, luaL_typename(L, 1));
  }
  return 1;
}

/// setmetatable without finalizers: when they ran would depend on the interpreter's memory.
int set_metatable(lua_State* L) {
  if (lua_istable(L, 2) && lua_getfield(L, 2, "__gc") != LUA_TNIL) return luaL_error(L, "there are no finalizers");
  lua_settop(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 2, 1);
  return 1;
}

void remove(lua_State* L, const char* table, const char* name) {
  if (lua_getglobal(L, table) == LUA_TTABLE) {
    lua_pushnil(L);
    lua_setfield(L, -2, name);
  }
  lua_pop(L, 1);
}

}  // namespace

void open_library(lua_State* L) {
  constexpr std::array<luaL_Reg, 6> kLibraries{{{LUA_GNAME, luaopen_base},
                                                {LUA_COLIBNAME, luaopen_coroutine},
                                                {LUA_TABLIBNAME, luaopen_table},
                                                {LUA_STRLIBNAME, luaopen_string},
                                                {LUA_MATHLIBNAME, luaopen_math},
                                                {LUA_UTF8LIBNAME, luaopen_utf8}}};
  for (const luaL_Reg& library : kLibraries) {
    luaL_requiref(L, library.name, library.func, 1);
    lua_pop(L, 1);
  }
  // `load` is the binding's: it loads bytes of memory.
  for (const char* name : {"dofile", "load", "loadfile", "collectgarbage", "warn"}) remove(L, LUA_GNAME, name);
  remove(L, LUA_STRLIBNAME, "dump");
  open_bounded(L);
  lua_getglobal(L, "setmetatable");
  lua_pushcclosure(L, set_metatable, 1);
  lua_setglobal(L, "setmetatable");
  if (luaL_loadbufferx(L, kPrelude, std::char_traits<char>::length(kPrelude), "=library", "t") != LUA_OK) lua_error(L);
  lua_pushcfunction(L, alive);
  lua_pushcfunction(L, keys);
  lua_pushcfunction(L, text_of);
  lua_call(L, 3, 0);
  lua_getglobal(L, LUA_MATHLIBNAME);
  lua_getfield(L, -1, "randomseed");
  lua_pushinteger(L, 1);
  lua_call(L, 1, 0);
  lua_pop(L, 1);
}

}  // namespace sluice::lua
