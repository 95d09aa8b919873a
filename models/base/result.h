// SPDX-License-Identifier: Apache-2.0
// Refusals travel as values. Four kinds of error exist in Sluice, and only two of them are errors of this program:
//   1. what simulated software or a simulated device did wrong: a Result with an Errno, a device status, a TLM
//      response. The simulation goes on.
//   2. bad input (scenario, platform, file): InputError, one line for the user, exit status 2.
//   3. a bug of the simulator: SimulatorBug, thrown by ensure(); the run fails with the sentence.
//   4. a notice: a line on stderr.
#pragma once

#include <cerrno>
#include <source_location>
#include <stdexcept>
#include <string>

#include <tl/expected.hpp>

namespace sluice::base {

/// A Linux error number, positive as in <errno.h>.
struct Errno {
  int value = 0;
  constexpr bool operator==(const Errno&) const = default;
};

/// A value, or the reason why the simulated software was refused.
template <class T>
using Result = tl::expected<T, Errno>;

inline tl::unexpected<Errno> refuse(int error_number) { return tl::unexpected<Errno>{Errno{error_number}}; }

/// The user's input is wrong. what() is one complete line, with file:line:column where there is one.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// This program is wrong. The run fails; the message goes to the user with a request to report it.
class SimulatorBug : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// States what the simulator itself relies on. Never used on what simulated software or devices do.
inline void ensure(bool holds, const char* sentence, std::source_location where = std::source_location::current()) {
  if (!holds) [[unlikely]] {
    throw SimulatorBug{std::string{sentence} + " (" + where.file_name() + ":" + std::to_string(where.line()) + ")"};
  }
}

}  // namespace sluice::base
