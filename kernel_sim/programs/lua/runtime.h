// SPDX-License-Identifier: Apache-2.0
// Private to this folder: what the interpreter of one process needs to know.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include <lua5.4/lua.hpp>

#include "kernel_sim/programs/lua/program.h"

namespace sluice::lua {

struct Runtime {
  kernel_sim::SystemCalls& calls;
  Observer& observer;
  const Program& program;
  const Limits& limits;
  std::size_t memory = 0;          ///< bytes that the interpreter holds
  std::size_t output = 0;          ///< bytes that were printed or named
  std::uint64_t instructions = 0;  ///< since the last system call
  /// What ends the process. The C++ build of Lua lets a foreign exception through, but a pcall of the program takes it
  /// for an error; so whatever the program calls next throws it again.
  std::exception_ptr ending;
  std::string failed_call;  ///< the last call that returned nil, with its error

  static Runtime& of(lua_State* L) { return **static_cast<Runtime**>(lua_getextraspace(L)); }
  static const std::string& text_of(const Program& program) { return program.m_text; }
  static const Limits& limits_of(const Program& program) { return program.m_limits; }

  /// Leaves the interpreter for the kernel. `work` calls no function of Lua.
  template <class Work>
  auto outside(Work&& work) {
    if (ending) std::rethrow_exception(ending);
    instructions = 0;
    try {
      return work();
    } catch (...) {
      ending = std::current_exception();
      throw;
    }
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

/// The value at `index`, for another process. Raises an error of Lua for what cannot cross.
Value take_value(lua_State* L, int index);
void push_value(lua_State* L, const Value& value);

/// Runs a function of a program in a fresh interpreter.
int run_function(const Program& program, kernel_sim::SystemCalls& calls, Observer& observer,
                 const std::string& function, std::span<const Value> arguments);

}  // namespace sluice::lua
