// SPDX-License-Identifier: Apache-2.0
// What each parameter may be alone is checked where it is set; this checks what they may be together.
#pragma once

#include "tools/scenario/configuration.h"

namespace sluice::scenario {

/// Throws an InputError that starts with `name` when the workload does not fit the machine (a file larger than the
/// disk, a warm file larger than memory) or a component cannot be built from its parameters.
void check_limits(const Configuration& configuration, const std::string& name);

}  // namespace sluice::scenario
