// SPDX-License-Identifier: Apache-2.0
#include "tools/results/run_result.h"

#include <algorithm>

#include "tools/results/json_io.h"

namespace sluice::results {

std::string_view name_of(Unit unit) {
  switch (unit) {
    case Unit::None:
    case Unit::Count:
      return "";
    case Unit::Bytes:
      return "bytes";
    case Unit::Nanoseconds:
      return "nanoseconds";
    case Unit::Seconds:
      return "seconds";
    case Unit::BytesPerSecond:
      return "bytes per second";
    case Unit::PerByte:
      return "per payload byte";
    case Unit::Share:
      return "a share of 1";
    case Unit::Percent:
      return "percent";
  }
  return "";
}

bool RunResult::succeeded() const {
  if (!failures.empty()) return false;
  return !expectations || std::all_of(expectations->begin(), expectations->end(),
                                      [](const Expected& e) { return e.holds || e.differs_because; });
}

double RunResult::rounds() const {
  return workload ? static_cast<double>(std::max<std::uint64_t>(workload->rounds.value_or(1), 1)) : 1.0;
}

std::uint64_t RunResult::calls() const {
  std::uint64_t all = 0;
  for (const auto& [name, count] : *system_calls) all += count;
  return all;
}

std::string results_text(const std::string& scenario, const std::vector<RunResult>& runs) {
  return json_text(to_json(Results{.scenario = scenario, .runs = runs}));
}

}  // namespace sluice::results
