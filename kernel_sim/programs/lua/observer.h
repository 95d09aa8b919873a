// SPDX-License-Identifier: Apache-2.0
// What a Lua program reports beside its system calls. Nothing of it costs the program anything, on either kernel.
//
// All processes of a run share one observer, which finds out by itself which of them speaks.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::lua {

class Observer {
 public:
  virtual ~Observer() = default;

  /// Nanoseconds since the run began.
  virtual std::int64_t clock_ns() = 0;
  /// What the process does from here on belongs to the measure of this name, until measure_ends. Measures nest.
  virtual void measure_begins(std::string_view name) = 0;
  virtual void measure_ends(std::string_view name) = 0;
  virtual void sample(std::string_view name, double value) = 0;
  virtual void count(std::string_view name, std::int64_t n) = 0;
  /// A check of the program, at "file:line".
  virtual void check(bool holds, std::string_view where, std::string_view text) = 0;
  /// A line that the program prints.
  virtual void print(std::string_view line) = 0;
  /// The program ends by an error of its own: "file:line: message" and its stack, in lines.
  virtual void failed(std::string_view message) = 0;
};

}  // namespace sluice::lua
