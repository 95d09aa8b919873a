// SPDX-License-Identifier: Apache-2.0
#include "tools/report/run_text.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "tools/report/text.h"

namespace sluice::report {

double rounds_of(const Json& run) {
  const double chunk = number_at(run, "workload", "chunk_bytes");
  const double size = number_at(run, "workload", "file_bytes");
  const double files = number_at(run, "workload", "files");
  return chunk > 0 ? std::max(1.0, files * std::ceil(size / chunk)) : 1.0;
}

std::string point_text(const Json& run) {
  std::string text;
  const auto point = run.find("point");
  if (point == run.end()) return text;
  for (const auto& [key, value] : point->items()) {
    text += (text.empty() ? "" : ", ") + key + " = " + value.get<std::string>();
  }
  return text;
}

std::string workload_text(const Json& run) {
  const auto workload = run.find("workload");
  if (workload == run.end()) return {};
  const double files = number_at(run, "workload", "files");
  return fmt::format("{}{}, chunks of {}, page cache {}", files > 1 ? fmt::format("{:.0f} files of ", files) : "",
                     size_text(number_at(run, "workload", "file_bytes")) + (files > 1 ? "" : " file"),
                     size_text(number_at(run, "workload", "chunk_bytes")), workload->value("page_cache", ""));
}

std::string calls_text(const Json& run) {
  std::string text;
  for (const auto& [name, count] : run["system_calls"].items()) {
    text += fmt::format("{}{} x {}", text.empty() ? "" : ", ", name, count.dump());
  }
  return text.empty() ? "none" : text;
}

}  // namespace sluice::report
