// SPDX-License-Identifier: Apache-2.0
#include "tools/report/csv.h"

#include <algorithm>
#include <map>

#include "tools/results/json_io.h"

namespace sluice::report {
namespace {

using results::Json;

/// The values of a run by path, in their order.
using Cells = results::Named<std::string>;

void flatten(const Json& json, const std::string& path, Cells& cells) {
  if (json.is_array()) return;
  if (!json.is_object()) {
    cells.emplace_back(path, json.is_string() ? json.get<std::string>() : json.dump());
    return;
  }
  for (const auto& [key, inner] : json.items()) flatten(inner, path.empty() ? key : path + "." + key, cells);
}

/// A path that earlier runs did not have stands behind the one that it follows in its own run.
void merge(const Cells& cells, std::vector<std::string>& columns) {
  std::size_t at = 0;
  for (const auto& [path, value] : cells) {
    const auto known = std::find(columns.begin(), columns.end(), path);
    if (known != columns.end()) {
      at = static_cast<std::size_t>(known - columns.begin()) + 1;
    } else {
      columns.insert(columns.begin() + static_cast<std::ptrdiff_t>(at++), path);
    }
  }
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string{"\"\""} : std::string{c};
  return out + "\"";
}

}  // namespace

std::string csv(const Runs& runs) {
  std::vector<Cells> rows;
  std::vector<std::string> columns;
  for (const RunResult& run : runs) {
    Json json = results::to_json(run);
    json.erase("simulator");
    flatten(json, "", rows.emplace_back());
    merge(rows.back(), columns);
  }
  std::string text;
  const auto line = [&](auto&& cell_of) {
    std::vector<std::string> cells;
    cells.reserve(columns.size());
    for (const std::string& column : columns) cells.push_back(quoted(cell_of(column)));
    text += joined(cells, ",") + "\r\n";
  };
  line([](const std::string& column) { return column; });
  for (const Cells& row : rows) {
    line([&](const std::string& column) {
      const std::string* value = results::find(row, column);
      return value != nullptr ? *value : std::string{};
    });
  }
  return text;
}

}  // namespace sluice::report
