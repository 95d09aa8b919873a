// SPDX-License-Identifier: Apache-2.0
// Numbers and tables as people read them.
#pragma once

#include <string>
#include <vector>

namespace sluice::report {

std::string time_text(double nanoseconds);       ///< "12.3 us"
std::string rate_text(double bytes_per_second);  ///< "2.96 GB/s"
std::string size_text(double bytes);             ///< "64 KiB", "1.5 MiB", "1 B"
std::string count_text(double value);            ///< "4", "2.25": as many digits as it takes, two at most

/// Columns as wide as their widest cell, two spaces between; the first and, where said, others to the left.
class Table {
 public:
  /// Heads of two lines: `group` spans neighbouring columns of the same group.
  struct Column {
    std::string group;
    std::string head;
    bool left = false;
  };
  explicit Table(std::vector<Column> columns) : m_columns(std::move(columns)) {}
  void row(std::vector<std::string> cells) { m_rows.push_back(std::move(cells)); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Column> m_columns;
  std::vector<std::vector<std::string>> m_rows;
};

}  // namespace sluice::report
