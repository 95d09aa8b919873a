// SPDX-License-Identifier: Apache-2.0
// What a run is given from outside: the files' contents, and the disks that hold them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/platform/machine.h"
#include "tools/scenario/run_plan.h"
#include "tools/simulate/stream_content.h"

namespace sluice::simulate {

struct Inputs {
  std::vector<std::string> paths;         ///< of the files, as programs open them
  std::shared_ptr<StreamContent> stream;  ///< what the receivers ought to get: the transfers by their numbers
  platform::Images images;                ///< of the disks: files lie on them in turn
};

/// The contents of a workload's files, in their order.
std::vector<std::shared_ptr<const base::Content>> contents_of(const scenario::Workload& workload);
/// The same once for each transfer, by its number (tools/scenario/expansion.h).
StreamContent stream_of(const scenario::Workload& workload);
/// Whether both send the same files.
bool same_files(const scenario::Workload& a, const scenario::Workload& b);
Inputs make_inputs(const scenario::RunPlan& plan);

/// The disks of a run of programs: its files lie on them in turn.
platform::Images images_of(const scenario::RunPlan& plan);

}  // namespace sluice::simulate
