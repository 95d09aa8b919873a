// SPDX-License-Identifier: Apache-2.0
// Private to this folder: what the interpreter of one process needs to know.
#pragma once

#include <array>
#include <chrono>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <lua5.4/lua.hpp>

#include "kernel_sim/programs/lua/program.h"

namespace sluice::lua {

/// The function that handles each signal, by the signal's number; no name: none.
using SignalHandlers = std::array<std::string, kernel_sim::kSignals + 1>;

struct Runtime {
  kernel_sim::SystemCalls& calls;
  Observer& observer;
  const Program& program;
  const Limits& limits;
  std::size_t memory = 0;          ///< bytes that the interpreter holds
  std::size_t output = 0;          ///< bytes that were printed or named
  std::uint64_t instructions = 0;  ///< since the last system call, and what counts as such
  /// What this thread's processor time was when the first instructions since the last system call were looked at.
  std::chrono::nanoseconds began{};
  bool failing = false;  ///< the last message is being written, which no limit may prevent
  /// What ends the process. The C++ build of Lua lets a foreign exception through, but a pcall of the program takes it
  /// for an error; so whatever the program calls next throws it again.
  std::exception_ptr ending;
  std::string failed_call;  ///< the last call that returned nil, with its error
  /// Names of the program's functions that handle signals, by number.
  SignalHandlers handlers = {};

  static Runtime& of(lua_State* L) { return **static_cast<Runtime**>(lua_getextraspace(L)); }
  static const std::string& text_of(const Program& program) { return program.m_text; }
  static const Limits& limits_of(const Program& program) { return program.m_limits; }

  /// Leaves the interpreter for the kernel. `work` calls no function of Lua.
  template <class Work>
  auto outside(Work&& work) {
    if (ending) std::rethrow_exception(ending);
    instructions = 0;
    began = {};
    try {
      return work();
    } catch (...) {
      ending = std::current_exception();
      throw;
    }
  }
  /// Ends the program that takes too much of the host's time. One call of the library can take a second of it.
  void look_at_time(lua_State* L);
  /// Before the interpreter does what is as much work as `n` instructions. Ends the program that does too much.
  void spend(lua_State* L, std::uint64_t n);
  /// How many instructions are left until the next system call.
  [[nodiscard]] std::uint64_t left() const {
    return instructions < limits.instructions ? limits.instructions - instructions : 0;
  }
  /// Before something is reported: ends the program when it says too much.
  void account_output(lua_State* L, std::size_t bytes);
};

/// The program's own error ends the process; the observer has heard of it.
struct Failure {};

/// Ends the process with a message that names the place.
[[noreturn]] void fail(lua_State* L, const char* message);
/// Opens what a program may use of Lua's own library, made deterministic.
void open_library(lua_State* L);
/// Opens system calls, constants and what else is in the reference.
void open_binding(lua_State* L);

/// The functions of `string` and `table` whose work no instruction shows.
void open_bounded(lua_State* L);

/// Runs the program's handlers of the signals that have come.
void run_handlers(lua_State* L);

/// A call of the kernel, with the handlers that are to run before and after it. One that a handler interrupted starts
/// again when the handler was set so.
template <class Work>
std::int64_t call_kernel(lua_State* L, Runtime& runtime, Work&& work) {
  run_handlers(L);
  for (;;) {
    const std::int64_t value = runtime.outside(work);
    run_handlers(L);
    if (value != kernel_sim::SystemCalls::kRestart) return value;
  }
}

/// The text at `index`, as long as it stays on the stack; else an error of Lua.
inline std::string_view text_at(lua_State* L, int index) {
  std::size_t size = 0;
  const char* text = luaL_checklstring(L, index, &size);
  return {text, size};
}

/// The value at `index`, for another process. Raises an error of Lua for what cannot cross, and for more than `left`
/// bytes, from which it takes its own.
Value take_value(lua_State* L, int index, std::size_t& left);
void push_value(lua_State* L, const Value& value);

/// Runs a function of a program in a fresh interpreter.
int run_function(const Program& program, kernel_sim::SystemCalls& calls, Observer& observer,
                 const std::string& function, std::span<const Value> arguments, const SignalHandlers& handlers = {});

}  // namespace sluice::lua
