// SPDX-License-Identifier: Apache-2.0
// What a run needs of this host's memory, and what there is of it.
#pragma once

#include "tools/scenario/scenario.h"

namespace sluice::simulate {

/// About what a simulation of this plan holds at its peak. Payload is moved by name, so a page of it takes some tens of
/// bytes; its bytes are made where somebody looks at them, which checksums in software do to all.
Bytes memory_needed(const scenario::RunPlan& plan);

/// What this process and its children can still be given, within the limit of its control group; 0 when nothing says.
Bytes memory_available();

/// Throws an InputError when a run of the scenario needs more than there is.
void refuse_without_memory(const scenario::Scenario& scenario);

}  // namespace sluice::simulate
