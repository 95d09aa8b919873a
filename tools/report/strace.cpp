// SPDX-License-Identifier: Apache-2.0
#include "tools/report/strace.h"

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

std::string strace_text(const Json& run) {
  std::string out = "--- " + run.value("strategy", "");
  const Json point = run.value("point", Json::object());
  for (const auto& [key, value] : point.items()) out += ", " + key + " = " + value.get<std::string>();
  out += " ---\n";
  for (const Json& entry : run.value("strace", Json::array())) {
    const std::string call = entry.value("call", "");
    const std::string left = fmt::format("[{}] {} {}({})", entry.value("task", ""), seconds(entry.value("at_ns", 0.0)),
                                         call, entry.value("arguments", ""));
    out += fmt::format("{:<39} = {} <{}>\n", left, result_text(entry.value("result", std::int64_t{0}), call),
                       seconds(entry.value("took_ns", 0.0)));
  }
  return out;
}

}  // namespace sluice::report
