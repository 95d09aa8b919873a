// SPDX-License-Identifier: Apache-2.0
// What a case prints, line by line, in memory that outlives the process it runs in.
//
// - A plain line must be the same on both kernels.
// - A line that begins with "~" is a time. It may differ by a margin (runner.cpp), for the host is a real machine.
// - An error of the program itself is a line that begins with kError, which is never what a case should say.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel_sim/programs/lua/observer.h"

namespace sluice::field_cases {

inline constexpr std::string_view kError = "the case itself is wrong: ";

struct Text {
  std::uint32_t size = 0;
  std::array<char, std::size_t{1} << 16> characters{};

  void add(std::string_view line);
  [[nodiscard]] std::string_view all() const { return {characters.data(), size}; }
  [[nodiscard]] std::vector<std::string> lines() const;
};

std::vector<std::string> lines_of(std::string_view text);

class Answers : public lua::Observer {
 public:
  Answers(Text& text, std::function<double()> now_ms) : m_text(text), m_now_ms(std::move(now_ms)) {}

  std::int64_t clock_ns() override { return static_cast<std::int64_t>(m_now_ms() * 1e6); }
  void measure_begins(std::string_view) override {}
  void measure_ends(std::string_view) override {}
  void sample(std::string_view, double) override {}
  void count(std::string_view, std::int64_t) override {}
  void check(bool holds, std::string_view where, std::string_view text) override;
  void print(std::string_view line) override { m_text.add(line); }
  void failed(std::string_view message) override;

 private:
  Text& m_text;
  std::function<double()> m_now_ms;
};

}  // namespace sluice::field_cases
