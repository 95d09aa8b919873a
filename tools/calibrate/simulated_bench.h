// SPDX-License-Identifier: Apache-2.0
// Times primitives on the simulated kernel: the same program text as on the host, with simulated time.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/native/calibration/primitive.h"
#include "tools/scenario/configuration.h"

namespace sluice::calibrate {

/// Nanoseconds per operation, by primitive. A primitive that the simulated kernel refuses is missing.
using SimulatedTimes = std::map<std::string, double>;

/// Runs the primitives one after the other on one machine, in a child process. InputError when the configuration
/// describes no machine; SimulatorBug when the simulation fails.
SimulatedTimes time_simulated(const scenario::Configuration& configuration,
                              const std::vector<const calibration::Primitive*>& list);

}  // namespace sluice::calibrate
