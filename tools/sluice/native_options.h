// SPDX-License-Identifier: Apache-2.0
// The options of the commands that run on this host: native and crosscheck.
#pragma once

#include "tools/crosscheck/native_runs.h"
#include "tools/sluice/command.h"

namespace sluice::tool {

/// --repetitions, --warm-up, --directory, --verify and --timeout.
void add_native(CLI::App& app, crosscheck::NativeOptions& options);

}  // namespace sluice::tool
