// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/scenario.h"

#include <utility>

#include "tools/scenario/planner.h"
#include "tools/scenario/workload_reader.h"

namespace sluice::scenario {

Scenario load_scenario(const std::string& path, const CommandLine& command_line) {
  Document document = read_document(path, command_line.platform);
  if (!command_line.file.empty() && document.base.programs.any()) {
    throw base::InputError{"--file is for a workload; this scenario has processes"};
  }
  if (!command_line.file.empty()) use_host_file(document.base.workload, command_line.file, {"--file"});
  Scenario scenario;
  scenario.path = path;
  scenario.description = document.description;
  scenario.tolerance = document.tolerance;
  plan_runs(std::move(document), command_line, scenario);
  return scenario;
}

}  // namespace sluice::scenario
