// SPDX-License-Identifier: Apache-2.0
// What a Lua program can call: the table from which the interpreter's functions and the reference page are made.
#pragma once

#include <string>
#include <vector>

namespace sluice::lua {

/// One function, as a reader sees it.
struct Entry {
  std::string group;
  std::string signature;  ///< "read(fd, buffer, size) -> n"
  std::string help;       ///< empty: as Linux's call of that name
};

std::vector<Entry> reference();
/// Names of Linux's constants that programs know, in order.
std::vector<std::string> constants();
/// The reference as a page of Markdown.
std::string reference_page();

}  // namespace sluice::lua
