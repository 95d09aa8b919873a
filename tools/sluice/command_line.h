// SPDX-License-Identifier: Apache-2.0
// The command line, from its words to the exit status.
#pragma once

namespace sluice::tool {

/// Parses the arguments and carries the command out. Returns the exit status. Throws InputError and Interrupted.
int carry_out(int argc, const char* const* argv);

}  // namespace sluice::tool
