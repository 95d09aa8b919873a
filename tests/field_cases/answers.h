// SPDX-License-Identifier: Apache-2.0
// What a case says, line by line, in memory that outlives the process it runs in.
//
// - A plain line must be the same on both kernels.
// - A line that begins with "~" is a time. It may differ by a margin (runner.cpp), for the host is a real machine.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>

namespace sluice::field_cases {

struct Text {
  std::uint32_t size = 0;
  std::array<char, std::size_t{1} << 16> characters{};

  void add(std::string_view line);
  [[nodiscard]] std::string_view all() const { return {characters.data(), size}; }
};

/// A number, or the name of the error that a negative one stands for.
std::string answer(std::int64_t value);

class Answers {
 public:
  Answers(Text& text, std::function<double()> clock) : m_text(text), m_clock(std::move(clock)) {}

  /// Values of system calls are shown as `answer` does.
  template <class... T>
  void say(std::string_view format, const T&... values) {
    m_text.add(fmt::vformat(format, fmt::make_format_args(as_shown(values)...)));
  }
  /// The time from `since_ms` to now.
  void took(std::string_view what, double since_ms) {
    m_text.add(fmt::format("~{} {:.1f} ms", what, now_ms() - since_ms));
  }
  [[nodiscard]] double now_ms() const { return m_clock(); }

 private:
  template <class T>
  static auto as_shown(const T& value) {
    if constexpr (std::is_same_v<T, std::int64_t>) {
      return answer(value);
    } else {
      return value;
    }
  }

  Text& m_text;
  std::function<double()> m_clock;
};

}  // namespace sluice::field_cases
