// SPDX-License-Identifier: Apache-2.0
// A program in Lua 5.4: a text whose functions are what processes run. It sees the machine only through SystemCalls, so
// the same text runs on the simulated kernel and on the host's Linux.
//
//   const Program program{"http.lua", text};
//   int status = program.run(calls, observer, "server", {arguments});
//
// - reference.h lists what a program can call.
// - Nothing of the host shows in what a program computes: no library of the operating system, fixed seeds, `pairs` in
//   the order of keys, no addresses of the interpreter.
// - A program that asks for too much ends, as a process, with a message: see Limits. What ends a process (exit, a fatal
//   signal, a limit) ends it inside pcall as well.
// - Lua takes no simulated time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "kernel_sim/programs/lua/observer.h"
#include "kernel_sim/programs/lua/value.h"
#include "kernel_sim/system_calls.h"

namespace sluice::lua {

/// Of one process.
struct Limits {
  std::size_t memory = std::size_t{64} << 20;  ///< bytes of the interpreter, not of the process's own memory
  /// Of the interpreter, between two system calls. What the library does at once counts by its work: steps of pattern
  /// matching, moved elements, memory that is asked for.
  std::uint64_t instructions = 200'000'000;
  /// Of the host's processor, between two system calls: for work that no count shows, as comparing texts of megabytes.
  /// The only limit whose place can differ from run to run.
  std::chrono::seconds host_time{60};
  std::size_t output = std::size_t{16} << 20;  ///< bytes that the process prints, names and samples
};

/// The text is no program: "file:line: what is wrong".
class ProgramError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Program {
 public:
  /// `name` is what messages call the file. ProgramError when the text is not Lua, or when it does more than defining
  /// things: outside of functions there is no kernel to call.
  Program(std::string name, std::string text, Limits limits = {});

  [[nodiscard]] const std::string& name() const { return m_name; }
  /// The global functions that the text defines, by name.
  [[nodiscard]] const std::vector<std::string>& functions() const { return m_functions; }
  /// Whether the name stands anywhere in the text as a word.
  [[nodiscard]] bool mentions(std::string_view name) const;

  /// Runs a function as the calling process. Returns its exit status: what the function returns, 0 for nothing, 1 after
  /// an error, which the observer has heard of. A process that ends otherwise leaves by an exception of the kernel's.
  int run(kernel_sim::SystemCalls& calls, Observer& observer, const std::string& function,
          std::span<const Value> arguments) const;

 private:
  friend struct Runtime;

  std::string m_name;
  std::string m_text;
  Limits m_limits;
  std::vector<std::string> m_functions;
};

}  // namespace sluice::lua
