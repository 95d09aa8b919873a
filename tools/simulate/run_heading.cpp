// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/run_heading.h"

#include <string_view>

namespace sluice::simulate {
namespace {

using results::Named;

/// What the machine and the kernel can do, as far as it explains the counts.
Named<std::string> features_of(const scenario::RunPlan& plan) {
  scenario::Configuration configuration = plan.configuration;
  scenario::ParameterIndex index{configuration};
  Named<std::string> features;
  for (const char* key : {"nic.gather", "nic.checksum_offload", "nic.segmentation_offload", "kernel.net.gso"}) {
    if (const auto parameter = index.find(key)) features.emplace_back(key, parameter->get());
  }
  return features;
}

}  // namespace

results::RunResult heading_of(const scenario::RunPlan& plan, const char* kernel) {
  const scenario::Workload& workload = plan.configuration.workload;
  results::RunResult run{.strategy = plan.strategy, .kernel = kernel, .settings = plan.settings};
  if (!plan.point.empty()) run.point = plan.point;
  if (run.simulated()) run.features = features_of(plan);
  if (plan.configuration.programs.any()) return run;
  run.workload = {.files = workload.count,
                  .file_bytes = workload.size,
                  .chunk_bytes = workload.chunk,
                  .rounds = workload.transfers() * divide_up(workload.size, workload.chunk),
                  .page_cache = workload.page_cache_name(),
                  .cpus = workload.cpus,
                  .regime = workload.regime_name(),
                  .connections = workload.connections,
                  .workers = workload.workers,
                  .repeat = workload.repeat};
  return run;
}

}  // namespace sluice::simulate
