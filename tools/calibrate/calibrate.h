// SPDX-License-Identifier: Apache-2.0
// sluice calibrate: measures the primitives of this host and writes a platform file.
#pragma once

#include "tools/sluice/options.h"

namespace sluice::tool {

/// Returns the exit status. The file exists only when it is complete. Throws InputError and Interrupted.
int calibrate(const Options& options);

}  // namespace sluice::tool
