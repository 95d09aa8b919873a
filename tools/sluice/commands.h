// SPDX-License-Identifier: Apache-2.0
// What each command does. Results go to standard output, messages to standard error.
#pragma once

#include "tools/sluice/options.h"

namespace sluice::tool {

/// Returns the exit status. Throws InputError for bad input and Interrupted.
int carry_out(const Options& options);

}  // namespace sluice::tool
