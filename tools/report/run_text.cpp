// SPDX-License-Identifier: Apache-2.0
#include "tools/report/run_text.h"

#include <algorithm>
#include <cmath>
#include <strings.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tools/report/text.h"

namespace sluice::report {
namespace {

/// As a person writes it: 2, not 2.0.
std::string value_text(const results::Json& value) {
  const double number = value.is_number_float() ? value.get<double>() : 0.5;
  return number == std::floor(number) && std::abs(number) < 1e15 ? fmt::format("{:.0f}", number) : value.dump();
}

std::string wanted_text(const results::Expected& entry) {
  if (entry.want) return value_text(*entry.want);
  std::vector<std::string> limits;
  if (entry.min) limits.push_back("at least " + value_text(*entry.min));
  if (entry.max) limits.push_back("at most " + value_text(*entry.max));
  return joined(limits, " and ");
}

}  // namespace

std::string joined(const std::vector<std::string>& phrases, const char* between) {
  return fmt::format("{}", fmt::join(phrases, between));
}

std::string point_text(const std::optional<results::Named<std::string>>& point) {
  std::vector<std::string> values;
  for (const auto& [key, value] : point.value_or(results::Named<std::string>{})) values.push_back(key + " = " + value);
  return joined(values);
}

std::string connections_text(const results::WorkloadInfo& workload) {
  std::string text;
  if (workload.connections > 1) {
    text += fmt::format(", {} connections of {} worker{}", workload.connections, workload.workers,
                        workload.workers == 1 ? "" : "s");
  }
  if (workload.repeat > 1) text += fmt::format(", {} times", workload.repeat);
  return text;
}

std::string workload_text(const RunResult& run) {
  if (!run.workload) return {};
  const results::WorkloadInfo& workload = *run.workload;
  const std::string size = size_text(static_cast<double>(workload.file_bytes));
  return fmt::format("{}, chunks of {}, page cache {}{}",
                     workload.files > 1 ? fmt::format("{} files of {}", workload.files, size) : size + " file",
                     size_text(static_cast<double>(workload.chunk_bytes)), workload.page_cache,
                     connections_text(workload));
}

std::string calls_text(const RunResult& run) {
  std::vector<std::string> calls;
  for (const auto& [name, count] : run.system_calls.value_or(results::Named<std::uint64_t>{})) {
    calls.push_back(fmt::format("{} x {}", name, count));
  }
  return calls.empty() ? "none" : joined(calls);
}

std::string as_words(const std::string& key) {
  std::string text;
  for (std::size_t at = 0; at < key.size();) {
    const std::size_t end = std::min(key.find('_', at), key.size());
    std::string word = key.substr(at, end - at);
    for (const char* name : {"CPU", "DMA", "DRAM", "MMIO", "PCIe", "TLB"}) {
      if (strcasecmp(word.c_str(), name) == 0) word = name;
    }
    text += (text.empty() ? "" : " ") + word;
    at = end + 1;
  }
  return text;
}

std::string complaints(const RunResult& run) {
  std::string text;
  for (const std::string& failure : run.failures) text += fmt::format("FAILED {}: {}\n", run.strategy, failure);
  for (const results::Expected& entry : run.expectations.value_or(std::vector<results::Expected>{})) {
    if (entry.holds) continue;
    const std::string got = entry.got ? value_text(*entry.got) : "not in the results";
    if (entry.differs_because) {
      text += fmt::format("DIFFERS {}: {} is {}, the scenario expects {}; you set {}\n", run.strategy, entry.what, got,
                          wanted_text(entry), *entry.differs_because);
    } else {
      text += fmt::format("FAILED {}: {} is {}, expected {}\n", run.strategy, entry.what, got, wanted_text(entry));
    }
  }
  return text;
}

std::vector<Runs> by_point(const Runs& runs) {
  std::vector<Runs> points;
  for (const RunResult& run : runs) {
    if (points.empty() || points.back().front().point != run.point) points.emplace_back();
    points.back().push_back(run);
  }
  return points;
}

}  // namespace sluice::report
