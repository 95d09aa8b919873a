// SPDX-License-Identifier: Apache-2.0
#include "tests/field_cases/answers.h"

#include <algorithm>
#include <string.h>

namespace sluice::field_cases {

void Text::add(std::string_view line) {
  if (line.size() >= characters.size() - size) return;  // a case that says more than fits is not compared further
  char* end = std::ranges::copy(line, characters.data() + size).out;
  *end = '\n';
  size += static_cast<std::uint32_t>(line.size()) + 1;
}

std::string answer(std::int64_t value) {
  constexpr std::int64_t kLastError = -4095;
  const char* name = value < 0 && value >= kLastError ? strerrorname_np(static_cast<int>(-value)) : nullptr;
  return name == nullptr ? std::to_string(value) : name;
}

}  // namespace sluice::field_cases
