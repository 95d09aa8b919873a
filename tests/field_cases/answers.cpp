// SPDX-License-Identifier: Apache-2.0
#include "tests/field_cases/answers.h"

#include <algorithm>

namespace sluice::field_cases {

void Text::add(std::string_view line) {
  if (line.size() >= characters.size() - size) return;  // a case that says more than fits is not compared further
  char* end = std::ranges::copy(line, characters.data() + size).out;
  *end = '\n';
  size += static_cast<std::uint32_t>(line.size()) + 1;
}

std::vector<std::string> Text::lines() const { return lines_of(all()); }

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1))
    lines.emplace_back(text.substr(0, end));
  return lines;
}

void Answers::check(bool holds, std::string_view where, std::string_view text) {
  if (!holds) m_text.add(std::string{kError} + std::string{where} + ": " + std::string{text});
}

void Answers::failed(std::string_view message) {
  m_text.add(std::string{kError} + std::string{message.substr(0, message.find('\n'))});
}

}  // namespace sluice::field_cases
