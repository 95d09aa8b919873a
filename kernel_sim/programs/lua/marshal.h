// SPDX-License-Identifier: Apache-2.0
// Private to this folder: how the parameters of a system call are taken from a program, and what it gets back. One
// Parameter for each type that system_calls.def uses; a row of that file needs nothing else to be callable from Lua.
#pragma once

#include <array>
#include <concepts>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "kernel_sim/programs/lua/runtime.h"

namespace sluice::lua {

using kernel_sim::SystemCalls;
using kernel_sim::UserAddress;

/// "10.0.0.1:80", "unix:path", "unix:@abstract name", or AF_UNSPEC for no address; raises an error of Lua for anything
/// else.
kernel_sim::Endpoint take_endpoint(lua_State* L, int index);
void push_endpoint(lua_State* L, const kernel_sim::Endpoint& endpoint);

/// The arguments of one call from Lua.
struct Arguments {
  lua_State* L;
  int next = 1;      ///< the first that was not taken
  int required = 0;  ///< how many there must be; further ones are 0

  /// Whether the next one is left out. Raises an error when it must not be.
  bool left_out() {
    if (lua_gettop(L) >= next || next <= required) return false;
    ++next;
    return true;
  }
};

/// What a parameter is for the reader of a reference, which of Lua's values it takes, and what it gives back.
enum class Gives : std::uint8_t {
  Nothing,
  Beside,  ///< a further result
  Instead  ///< the result in place of a call's 0
};

template <class T>
struct Parameter;

template <std::integral T>
struct Parameter<T> {
  static constexpr bool kTaken = true;
  static constexpr Gives kGives = Gives::Nothing;
  explicit Parameter(Arguments& a) {
    if (a.left_out()) return;
    const lua_Integer given = luaL_checkinteger(a.L, a.next);
    // Sizes and masks may be meant as either sign.
    constexpr auto kLeast = static_cast<lua_Integer>(std::numeric_limits<std::make_signed_t<T>>::min());
    constexpr lua_Integer kMost = sizeof(T) == 8
                                      ? std::numeric_limits<lua_Integer>::max()
                                      : static_cast<lua_Integer>(std::numeric_limits<std::make_unsigned_t<T>>::max());
    luaL_argcheck(a.L, given >= kLeast && given <= kMost, a.next, "number out of range");
    value = static_cast<T>(given);
    ++a.next;
  }
  T pass() { return value; }
  void give(lua_State*) const {}
  T value = 0;
};

template <>
struct Parameter<UserAddress> {
  static constexpr bool kTaken = true;
  static constexpr Gives kGives = Gives::Nothing;
  explicit Parameter(Arguments& a) {
    if (!a.left_out()) value = UserAddress{static_cast<std::uint64_t>(luaL_checkinteger(a.L, a.next++))};
  }
  UserAddress pass() const { return value; }
  void give(lua_State*) const {}
  UserAddress value = UserAddress::Null;
};

template <>
struct Parameter<std::string_view> {
  static constexpr bool kTaken = true;
  static constexpr Gives kGives = Gives::Nothing;
  explicit Parameter(Arguments& a) {
    std::size_t size = 0;
    const char* text = luaL_checklstring(a.L, a.next++, &size);
    value = {text, size};
  }
  std::string_view pass() const { return value; }
  void give(lua_State*) const {}
  std::string_view value;
};

template <>
struct Parameter<kernel_sim::Endpoint> {
  static constexpr bool kTaken = true;
  static constexpr Gives kGives = Gives::Nothing;
  explicit Parameter(Arguments& a) : value(take_endpoint(a.L, a.next++)) {}
  kernel_sim::Endpoint pass() const { return value; }
  void give(lua_State*) const {}
  kernel_sim::Endpoint value;
};

/// That, or nil.
template <>
struct Parameter<const kernel_sim::Endpoint*> {
  static constexpr bool kTaken = true;
  static constexpr Gives kGives = Gives::Nothing;
  explicit Parameter(Arguments& a) {
    if (a.left_out()) return;
    const int index = a.next++;
    if (!lua_isnoneornil(a.L, index)) value = take_endpoint(a.L, index);
  }
  const kernel_sim::Endpoint* pass() const { return value ? &*value : nullptr; }
  void give(lua_State*) const {}
  std::optional<kernel_sim::Endpoint> value;
};

/// An offset that is read and advanced: nil, or a number, whose new value is a further result.
template <>
struct Parameter<std::int64_t*> {
  static constexpr bool kTaken = true;
  static constexpr Gives kGives = Gives::Beside;
  explicit Parameter(Arguments& a) {
    if (!lua_isnoneornil(a.L, a.next)) value = luaL_checkinteger(a.L, a.next);
    ++a.next;
  }
  std::int64_t* pass() { return value ? &*value : nullptr; }
  void give(lua_State* L) const {
    if (value) {
      lua_pushinteger(L, *value);
    } else {
      lua_pushnil(L);
    }
  }
  std::optional<std::int64_t> value;
};

/// What a call only gives back.
template <class T, Gives kHow>
struct Result {
  static constexpr bool kTaken = false;
  static constexpr Gives kGives = kHow;
  explicit Result(Arguments&) {}
  T value{};
};

template <>
struct Parameter<kernel_sim::FileStatus&> : Result<kernel_sim::FileStatus, Gives::Instead> {
  using Result::Result;
  kernel_sim::FileStatus& pass() { return value; }
  void give(lua_State* L) const;
};
template <>
struct Parameter<kernel_sim::Endpoint&> : Result<kernel_sim::Endpoint, Gives::Instead> {
  using Result::Result;
  kernel_sim::Endpoint& pass() { return value; }
  void give(lua_State* L) const { push_endpoint(L, value); }
};
template <>
struct Parameter<kernel_sim::Endpoint*> : Result<kernel_sim::Endpoint, Gives::Beside> {
  using Result::Result;
  kernel_sim::Endpoint* pass() { return &value; }
  void give(lua_State* L) const { push_endpoint(L, value); }
};
template <>
struct Parameter<int&> : Result<int, Gives::Instead> {
  using Result::Result;
  int& pass() { return value; }
  void give(lua_State* L) const { lua_pushinteger(L, value); }
};
template <>
struct Parameter<kernel_sim::MessageFlags&> : Result<kernel_sim::MessageFlags, Gives::Beside> {
  using Result::Result;
  kernel_sim::MessageFlags& pass() { return value; }
  void give(lua_State* L) const { lua_pushinteger(L, value.value); }
};
/// { errno = , origin = , type = , code = , info = , data = }, or nil.
template <>
struct Parameter<std::optional<kernel_sim::SocketError>&>
    : Result<std::optional<kernel_sim::SocketError>, Gives::Beside> {
  using Result::Result;
  std::optional<kernel_sim::SocketError>& pass() { return value; }
  void give(lua_State* L) const;
};
template <>
struct Parameter<std::int64_t&> : Result<std::int64_t, Gives::Instead> {
  using Result::Result;
  std::int64_t& pass() { return value; }
  void give(lua_State* L) const { lua_pushinteger(L, value); }
};
template <>
struct Parameter<std::uint64_t&> : Result<std::uint64_t, Gives::Instead> {
  using Result::Result;
  std::uint64_t& pass() { return value; }
  void give(lua_State* L) const { lua_pushinteger(L, static_cast<lua_Integer>(value)); }
};
template <>
struct Parameter<kernel_sim::ResourceUsage&> : Result<kernel_sim::ResourceUsage, Gives::Instead> {
  using Result::Result;
  kernel_sim::ResourceUsage& pass() { return value; }
  void give(lua_State* L) const;
};
/// { value = , interval = }, of which what is left out is 0.
template <>
struct Parameter<const kernel_sim::TimerSetting&> {
  static constexpr bool kTaken = true;
  static constexpr Gives kGives = Gives::Nothing;
  explicit Parameter(Arguments& a);
  const kernel_sim::TimerSetting& pass() const { return value; }
  void give(lua_State*) const {}
  kernel_sim::TimerSetting value;
};
void push_timer_setting(lua_State* L, const kernel_sim::TimerSetting& setting);
template <>
struct Parameter<kernel_sim::TimerSetting&> : Result<kernel_sim::TimerSetting, Gives::Instead> {
  using Result::Result;
  kernel_sim::TimerSetting& pass() { return value; }
  void give(lua_State* L) const { push_timer_setting(L, value); }
};
template <>
struct Parameter<kernel_sim::TimerSetting*> : Result<kernel_sim::TimerSetting, Gives::Beside> {
  using Result::Result;
  kernel_sim::TimerSetting* pass() { return &value; }
  void give(lua_State* L) const { push_timer_setting(L, value); }
};
/// Two descriptors (an array parameter is a pointer).
template <>
struct Parameter<int*> : Result<std::array<int, 2>, Gives::Instead> {
  using Result::Result;
  int* pass() { return value.data(); }
  void give(lua_State* L) const {
    lua_pushinteger(L, value[0]);
    lua_pushinteger(L, value[1]);
  }
};

/// A list of { address, size }.
template <>
struct Parameter<std::span<const kernel_sim::IoVector>> {
  static constexpr bool kTaken = true;
  static constexpr Gives kGives = Gives::Nothing;
  explicit Parameter(Arguments& a);
  std::span<const kernel_sim::IoVector> pass() { return value; }
  void give(lua_State*) const {}
  std::vector<kernel_sim::IoVector> value;
};

/// { events = , data = }, or nil.
template <>
struct Parameter<const kernel_sim::EpollEvent*> {
  static constexpr bool kTaken = true;
  static constexpr Gives kGives = Gives::Nothing;
  explicit Parameter(Arguments& a);
  const kernel_sim::EpollEvent* pass() const { return value ? &*value : nullptr; }
  void give(lua_State*) const {}
  std::optional<kernel_sim::EpollEvent> value;
};
/// A list of such.
template <>
struct Parameter<std::vector<kernel_sim::EpollEvent>&> : Result<std::vector<kernel_sim::EpollEvent>, Gives::Instead> {
  using Result::Result;
  std::vector<kernel_sim::EpollEvent>& pass() { return value; }
  void give(lua_State* L) const;
};

/// A list of numbers.
template <>
struct Parameter<std::vector<std::uint8_t>&> : Result<std::vector<std::uint8_t>, Gives::Instead> {
  using Result::Result;
  std::vector<std::uint8_t>& pass() { return value; }
  void give(lua_State* L) const;
};

/// SIG_DFL, SIG_IGN, or the name of a function of the program, which gets the signal's number, the argument before.
template <>
struct Parameter<kernel_sim::SignalHandler> {
  static constexpr bool kTaken = true;
  static constexpr Gives kGives = Gives::Nothing;
  explicit Parameter(Arguments& a);
  kernel_sim::SignalHandler pass() const { return value; }
  void give(lua_State*) const {}
  kernel_sim::SignalHandler value = kernel_sim::SignalHandler::Default;
};

/// A list of { fd = , events = }, each of which gets `revents`.
template <>
struct Parameter<std::span<kernel_sim::PollEntry>> {
  static constexpr bool kTaken = true;
  static constexpr Gives kGives = Gives::Nothing;
  explicit Parameter(Arguments& a);
  std::span<kernel_sim::PollEntry> pass() { return value; }
  void give(lua_State* L) const;
  int index = 0;
  std::vector<kernel_sim::PollEntry> value;
};

/// nil and the error's name.
int push_error(lua_State* L, Runtime& runtime, std::string_view call, std::int64_t error);

struct ParameterUse {
  bool taken;
  Gives gives;
};

template <class Member>
struct Signature;
template <class... P>
struct Signature<SystemCalls::Value (SystemCalls::*)(P...)> {
  static constexpr int kTaken = (0 + ... + (Parameter<P>::kTaken ? 1 : 0));
  static constexpr bool kInstead = (false || ... || (Parameter<P>::kGives == Gives::Instead));
  static std::vector<ParameterUse> uses() { return {{Parameter<P>::kTaken, Parameter<P>::kGives}...}; }
  using Taken = std::tuple<Parameter<P>...>;
  /// In braces the elements are made from left to right.
  static Taken take([[maybe_unused]] Arguments& arguments) { return Taken{Parameter<P>(arguments)...}; }
};

/// How many parameters a row of system_calls.def gives a default, which is always 0.
constexpr int optional_parameters(std::string_view parameters) {
  int found = 0;
  for (const char c : parameters) found += c == '=' ? 1 : 0;
  return found;
}

/// A system call as a function of Lua: its value and what its parameters give back, or nil and the error's name.
template <auto kMember, kernel_sim::Call kCall, int kOptional>
int make_call(lua_State* L) {
  using Of = Signature<decltype(kMember)>;
  if (lua_gettop(L) > Of::kTaken) {
    return luaL_error(L, "%s takes %d arguments", std::string{name_of(kCall)}.c_str(), Of::kTaken);
  }
  Runtime& runtime = Runtime::of(L);
  Arguments arguments{L, 1, Of::kTaken - kOptional};
  typename Of::Taken taken = Of::take(arguments);
  return std::apply(
      [&](auto&... parameters) {
        const std::int64_t value =
            call_kernel(L, runtime, [&] { return (runtime.calls.*kMember)(parameters.pass()...); });
        if (value < 0) return push_error(L, runtime, name_of(kCall), -value);
        const int before = lua_gettop(L);
        if constexpr (!Of::kInstead) lua_pushinteger(L, value);
        (parameters.give(L), ...);
        return lua_gettop(L) - before;
      },
      taken);
}

}  // namespace sluice::lua
