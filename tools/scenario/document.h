// SPDX-License-Identifier: Apache-2.0
// What a scenario file says, read and checked, before anything of it is combined into runs.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernel_sim/programs/strategy.h"
#include "tools/scenario/configuration.h"
#include "tools/scenario/expectation_reader.h"
#include "tools/scenario/tolerance.h"

namespace sluice::scenario {

/// A parameter and the value that it is given somewhere, both as written.
struct Setting {
  std::string key;
  std::string text;
  Position at;
};
/// A parameter and the values that it takes, one after the other.
struct Axis {
  std::string key;
  std::vector<Setting> values;
};

struct Document {
  std::string description;
  Tolerance tolerance;
  Configuration base;                    ///< platform and workload
  std::optional<Position> workers_at{};  ///< where workload.workers stands in the workload
  std::vector<Setting> with;
  std::vector<Axis> axes;
  std::vector<std::pair<const kernel_sim::Strategy*, Position>> strategies;
  ExpectationsOfStrategies expectations;
};

/// `platform`: a platform file that is read instead of the scenario's; empty: as written.
Document read_document(const std::string& path, const std::string& platform);

}  // namespace sluice::scenario
