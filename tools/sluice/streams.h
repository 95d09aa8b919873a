// SPDX-License-Identifier: Apache-2.0
// Standard output and standard error: the place where text leaves. Control characters in the text are shown as escapes,
// so that no file name, key or description speaks to the terminal. A reader that has seen enough ("| head") is no
// mistake; every other write that fails is an InputError.
#pragma once

#include <string>
#include <string_view>

namespace sluice::tool {

/// The three standard streams exist from here on: a file that is opened later takes none of their numbers.
void hold_standard_streams();

/// The text with control characters as escapes ("\x1b"), but for newlines and tabs.
std::string printable(std::string_view text);
/// The same for a text of one line: newlines and tabs are escaped as well.
std::string printable_line(std::string_view text);

/// Results, to standard output.
void print(std::string_view text);
/// Lines about results, to standard error.
void tell(std::string_view text);
/// A message of one line, to standard error: "sluice: message".
void say(std::string_view message);
/// Everything printed has left. Called once, at the end.
void finish_streams();

}  // namespace sluice::tool
