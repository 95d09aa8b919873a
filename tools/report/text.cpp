// SPDX-License-Identifier: Apache-2.0
#include "tools/report/text.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <fmt/format.h>

namespace sluice::report {
namespace {

/// Three significant digits with the largest unit that keeps the number at or above 1.
std::string scaled(double value, double step, const std::vector<const char*>& units) {
  std::size_t unit = 0;
  while (unit + 1 < units.size() && value >= step) {
    value /= step;
    ++unit;
  }
  const int decimals = value >= 100 || value == std::floor(value) ? 0 : value >= 10 ? 1 : 2;
  return fmt::format("{:.{}f} {}", value, decimals, units[unit]);
}

void strip_right(std::string& line) { line.erase(line.find_last_not_of(' ') + 1); }

}  // namespace

std::string time_text(double nanoseconds) { return scaled(nanoseconds, 1000, {"ns", "us", "ms", "s"}); }
std::string rate_text(double bytes_per_second) {
  return scaled(bytes_per_second, 1000, {"B/s", "kB/s", "MB/s", "GB/s", "TB/s"});
}
std::string size_text(double bytes) { return scaled(bytes, 1024, {"B", "KiB", "MiB", "GiB", "TiB"}); }

std::string count_text(double value) {
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < m_columns.size(); ++i) {
    std::size_t width = m_columns[i].head.size();
    for (const auto& row : m_rows) width = std::max(width, row[i].size());
    widths.push_back(width);
  }
  std::string groups;
  std::string out;
  std::size_t at = 0;
  for (std::size_t i = 0; i < m_columns.size(); ++i) {
    const bool starts = i == 0 || m_columns[i].group != m_columns[i - 1].group;
    if (starts && !m_columns[i].group.empty()) {
      groups.resize(std::max(groups.size(), at), ' ');
      groups += m_columns[i].group;
    }
    at += widths[i] + 2;
  }
  const auto line = [&](const auto& cell_of) {
    std::string text;
    for (std::size_t i = 0; i < m_columns.size(); ++i) {
      text += m_columns[i].left ? fmt::format("{:<{}}  ", cell_of(i), widths[i])
                                : fmt::format("{:>{}}  ", cell_of(i), widths[i]);
    }
    strip_right(text);
    out += text + "\n";
  };
  if (!groups.empty()) out += groups + "\n";
  line([&](std::size_t i) { return m_columns[i].head; });
  for (const auto& row : m_rows) line([&](std::size_t i) { return row[i]; });
  return out;
}

}  // namespace sluice::report
