// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/programs/lua/marshal.h"

#include <charconv>
#include <cstring>
#include <iterator>

namespace sluice::lua {

namespace {
constexpr std::string_view kUnixPrefix = "unix:";
}  // namespace

kernel_sim::Endpoint take_endpoint(lua_State* L, int index) {
  if (lua_isinteger(L, index) != 0 && lua_tointeger(L, index) == AF_UNSPEC) return kernel_sim::kNowhere;
  const std::string_view whole = text_at(L, index);
  if (whole.starts_with(kUnixPrefix)) {
    std::string name{whole.substr(kUnixPrefix.size())};
    if (!name.empty() && name.front() == '@') name.front() = '\0';
    return {0, 0, AF_UNIX, std::move(name)};
  }
  const char* const text = luaL_checkstring(L, index);
  const char* const end = text + std::strlen(text);
  const char* at = text;
  kernel_sim::Endpoint endpoint;
  const auto number = [&](std::uint32_t most, std::uint32_t& into) {
    const auto [stop, error] = std::from_chars(at, end, into);
    const bool good = error == std::errc{} && into <= most;
    at = stop;
    return good;
  };
  bool good = true;
  for (int part = 0; part < 4 && good; ++part) {
    std::uint32_t byte = 0;
    good = number(255, byte) && at != end && *at++ == (part < 3 ? '.' : ':');
    endpoint.address = endpoint.address << 8 | byte;
  }
  std::uint32_t port = 0;
  good = good && number(65535, port) && at == end;
  if (!good) luaL_argerror(L, index, "an address is written \"10.0.0.1:80\" or \"unix:path\", or is AF_UNSPEC");
  endpoint.port = static_cast<std::uint16_t>(port);
  return endpoint;
}

void push_endpoint(lua_State* L, const kernel_sim::Endpoint& endpoint) {
  if (endpoint.family == AF_UNSPEC) return lua_pushnil(L);
  if (endpoint.family == AF_UNIX) {
    std::string text = std::string{kUnixPrefix} + endpoint.name;
    if (!endpoint.name.empty() && endpoint.name.front() == '\0') text[kUnixPrefix.size()] = '@';
    lua_pushlstring(L, text.data(), text.size());
    return;
  }
  const auto byte = [&](int shift) { return static_cast<int>(endpoint.address >> shift & 0xFF); };
  lua_pushfstring(L, "%d.%d.%d.%d:%d", byte(24), byte(16), byte(8), byte(0), static_cast<int>(endpoint.port));
}

void Parameter<kernel_sim::FileStatus&>::give(lua_State* L) const {
  lua_createtable(L, 0, 3);
  const auto set = [&](const char* name, std::uint64_t number) {
    lua_pushinteger(L, static_cast<lua_Integer>(number));
    lua_setfield(L, -2, name);
  };
  set("size", value.size);
  set("mode", value.mode);
  set("block_size", value.block_size);
}

void Parameter<std::optional<kernel_sim::SocketError>&>::give(lua_State* L) const {
  if (!value) return lua_pushnil(L);
  lua_createtable(L, 0, 6);
  const auto set = [&](const char* name, std::uint32_t number) {
    lua_pushinteger(L, number);
    lua_setfield(L, -2, name);
  };
  set("errno", value->error);
  set("origin", value->origin);
  set("type", value->type);
  set("code", value->code);
  set("info", value->info);
  set("data", value->data);
}

void Parameter<kernel_sim::ResourceUsage&>::give(lua_State* L) const {
  lua_createtable(L, 0, 6);
  const auto set = [&](const char* name, std::int64_t number) {
    lua_pushinteger(L, number);
    lua_setfield(L, -2, name);
  };
  set("user_ns", value.user_ns);
  set("system_ns", value.system_ns);
  set("minor_faults", value.minor_faults);
  set("major_faults", value.major_faults);
  set("voluntary_switches", value.voluntary_switches);
  set("involuntary_switches", value.involuntary_switches);
}

Parameter<const kernel_sim::TimerSetting&>::Parameter(Arguments& a) {
  const int index = a.next++;
  luaL_checktype(a.L, index, LUA_TTABLE);
  const auto field = [&](const char* name) {
    const bool there = lua_getfield(a.L, index, name) != LUA_TNIL;
    if (there && lua_isinteger(a.L, -1) == 0) luaL_argerror(a.L, index, "{ value = , interval = }, both whole numbers");
    const lua_Integer number = there ? lua_tointeger(a.L, -1) : 0;
    lua_pop(a.L, 1);
    return number;
  };
  value.value = field("value");
  value.interval = field("interval");
}

void push_timer_setting(lua_State* L, const kernel_sim::TimerSetting& setting) {
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, setting.value);
  lua_setfield(L, -2, "value");
  lua_pushinteger(L, setting.interval);
  lua_setfield(L, -2, "interval");
}

Parameter<std::span<const kernel_sim::IoVector>>::Parameter(Arguments& a) {
  const int index = a.next++;
  luaL_checktype(a.L, index, LUA_TTABLE);
  const lua_Integer size = luaL_len(a.L, index);
  luaL_argcheck(a.L, size <= 1 << 16, index, "too many buffers");
  for (lua_Integer i = 1; i <= size; ++i) {
    if (lua_geti(a.L, index, i) != LUA_TTABLE) luaL_argerror(a.L, index, "a list of { address, size }");
    lua_geti(a.L, -1, 1);
    lua_geti(a.L, -2, 2);
    if (lua_isinteger(a.L, -2) == 0 || lua_isinteger(a.L, -1) == 0) {
      luaL_argerror(a.L, index, "a list of { address, size }");
    }
    value.push_back({UserAddress{static_cast<std::uint64_t>(lua_tointeger(a.L, -2))},
                     static_cast<std::uint64_t>(lua_tointeger(a.L, -1))});
    lua_pop(a.L, 3);
  }
}

Parameter<const kernel_sim::EpollEvent*>::Parameter(Arguments& a) {
  if (a.left_out()) return;
  const int index = a.next++;
  if (lua_isnoneornil(a.L, index)) return;
  luaL_checktype(a.L, index, LUA_TTABLE);
  lua_getfield(a.L, index, "events");
  lua_getfield(a.L, index, "data");
  const bool has_data = !lua_isnil(a.L, -1);
  if (lua_isinteger(a.L, -2) == 0 || (has_data && lua_isinteger(a.L, -1) == 0)) {
    luaL_argerror(a.L, index, "{ events = , data = }, both whole numbers");
  }
  value = {static_cast<std::uint32_t>(lua_tointeger(a.L, -2)), static_cast<std::uint64_t>(lua_tointeger(a.L, -1))};
  lua_pop(a.L, 2);
}

void Parameter<std::vector<kernel_sim::EpollEvent>&>::give(lua_State* L) const {
  lua_createtable(L, static_cast<int>(value.size()), 0);
  for (std::size_t i = 0; i < value.size(); ++i) {
    lua_createtable(L, 0, 2);
    lua_pushinteger(L, value[i].events);
    lua_setfield(L, -2, "events");
    lua_pushinteger(L, static_cast<lua_Integer>(value[i].data));
    lua_setfield(L, -2, "data");
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
}

void Parameter<std::vector<std::uint8_t>&>::give(lua_State* L) const {
  lua_createtable(L, static_cast<int>(value.size()), 0);
  for (std::size_t i = 0; i < value.size(); ++i) {
    lua_pushinteger(L, value[i]);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
}

Parameter<kernel_sim::SignalHandler>::Parameter(Arguments& a) {
  const int index = a.next++;
  if (lua_type(a.L, index) == LUA_TSTRING) {
    const char* const name = lua_tostring(a.L, index);
    Runtime& runtime = Runtime::of(a.L);
    luaL_argcheck(a.L, lua_getglobal(a.L, name) == LUA_TFUNCTION, index, "the program has no such function");
    lua_pop(a.L, 1);
    const lua_Integer signal = lua_tointeger(a.L, index - 1);
    if (signal > 0 && signal < std::ssize(runtime.handlers)) runtime.handlers[static_cast<std::size_t>(signal)] = name;
    value = kernel_sim::SignalHandler::Program;
    return;
  }
  const lua_Integer number = luaL_checkinteger(a.L, index);
  luaL_argcheck(a.L, number == 0 || number == 1, index, "SIG_DFL, SIG_IGN or the name of a function");
  value = number == 0 ? kernel_sim::SignalHandler::Default : kernel_sim::SignalHandler::Ignore;
}

Parameter<std::span<kernel_sim::PollEntry>>::Parameter(Arguments& a) : index(a.next++) {
  luaL_checktype(a.L, index, LUA_TTABLE);
  const lua_Integer size = luaL_len(a.L, index);
  luaL_argcheck(a.L, size <= 1 << 16, index, "too many descriptors");
  for (lua_Integer i = 1; i <= size; ++i) {
    if (lua_geti(a.L, index, i) != LUA_TTABLE) luaL_argerror(a.L, index, "a list of { fd = , events = }");
    lua_getfield(a.L, -1, "fd");
    lua_getfield(a.L, -2, "events");
    if (lua_isinteger(a.L, -2) == 0 || lua_isinteger(a.L, -1) == 0) {
      luaL_argerror(a.L, index, "a list of { fd = , events = }");
    }
    value.push_back(
        {.fd = static_cast<int>(lua_tointeger(a.L, -2)), .events = static_cast<std::int16_t>(lua_tointeger(a.L, -1))});
    lua_pop(a.L, 3);
  }
}

void Parameter<std::span<kernel_sim::PollEntry>>::give(lua_State* L) const {
  for (std::size_t i = 0; i < value.size(); ++i) {
    lua_geti(L, index, static_cast<lua_Integer>(i) + 1);
    lua_pushinteger(L, static_cast<std::uint16_t>(value[i].returned));
    lua_setfield(L, -2, "revents");
    lua_pop(L, 1);
  }
}

int push_error(lua_State* L, Runtime& runtime, std::string_view call, std::int64_t error) {
  const char* const name = strerrorname_np(static_cast<int>(error));
  const std::string text = name != nullptr ? name : "errno " + std::to_string(error);
  runtime.failed_call = std::string{call} + ": " + text;
  lua_pushnil(L);
  lua_pushlstring(L, text.data(), text.size());
  return 2;
}

}  // namespace sluice::lua
