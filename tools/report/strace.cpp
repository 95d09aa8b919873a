// SPDX-License-Identifier: Apache-2.0
#include "tools/report/strace.h"

#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstring>

#include <fmt/format.h>

namespace sluice::report {
namespace {

std::string result_text(std::int64_t result, const std::string& call) {
  if (result < 0 && result >= -4095) {
    const int number = static_cast<int>(-result);
    const char* name = strerrorname_np(number);
    return fmt::format("-1 {} ({})", name != nullptr ? name : "E?", std::strerror(number));
  }
  return call == "mmap" ? fmt::format("{:#x}", static_cast<std::uint64_t>(result)) : std::to_string(result);
}

std::string seconds(double nanoseconds) { return fmt::format("{:.9f}", nanoseconds / 1e9); }

}  // namespace

std::string strace_text(const RunResult& run) {
  std::string out = "--- " + run.strategy;
  for (const auto& [key, value] : run.point.value_or(results::Named<std::string>{})) out += ", " + key + " = " + value;
  out += " ---\n";
  const std::vector<results::CallInfo> calls = run.strace.value_or(std::vector<results::CallInfo>{});
  if (calls.empty()) return out;
  const std::int64_t first = std::min_element(calls.begin(), calls.end(), [](const auto& a, const auto& b) {
                               return a.at_ns < b.at_ns;
                             })->at_ns;
  for (const results::CallInfo& call : calls) {
    const std::string left = fmt::format("[{}] {} {}({})", call.task, seconds(static_cast<double>(call.at_ns - first)),
                                         call.call, call.arguments);
    out += fmt::format("{:<39} = {} <{}>\n", left, result_text(call.result, call.call),
                       seconds(static_cast<double>(call.took_ns)));
  }
  return out;
}

}  // namespace sluice::report
