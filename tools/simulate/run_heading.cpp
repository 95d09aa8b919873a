// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/run_heading.h"

namespace sluice::tool {
namespace {

report::Json settings_of(const std::vector<std::pair<std::string, std::string>>& settings) {
  report::Json object = report::Json::object();
  for (const auto& [key, value] : settings) object[key] = value;
  return object;
}

}  // namespace

report::Json heading_of(const scenario::RunPlan& plan, const char* kernel) {
  const scenario::Workload& workload = plan.configuration.workload;
  report::Json run{{"strategy", plan.strategy}, {"kernel", kernel}, {"settings", settings_of(plan.settings)}};
  if (!plan.point.empty()) run["point"] = settings_of(plan.point);
  run["workload"] = {{"files", workload.count},       {"file_bytes", workload.size},
                     {"chunk_bytes", workload.chunk}, {"page_cache", workload.page_cache_name()},
                     {"cpus", workload.cpus},         {"regime", workload.controlled() ? "controlled" : "default"}};
  return run;
}

}  // namespace sluice::tool
