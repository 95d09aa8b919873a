// SPDX-License-Identifier: Apache-2.0
#include "tools/results/json.h"

namespace sluice::report {

std::string json_text(const Json& json) {
  // Bytes of a name that are no UTF-8 are replaced rather than refused.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string results_text(const std::string& scenario, const Json& runs) {
  return json_text({{"schema", kResultsSchema}, {"scenario", scenario}, {"runs", runs}});
}

double number_at(const Json& run, const char* group, const char* key) {
  const auto inner = run.find(group);
  if (inner == run.end() || !inner->is_object()) return 0;
  const auto value = inner->find(key);
  return value != inner->end() && value->is_number() ? value->get<double>() : 0;
}

Json failures_of(const Json& run) { return run.value("failures", Json::array()); }

}  // namespace sluice::report
