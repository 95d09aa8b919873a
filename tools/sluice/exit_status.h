// SPDX-License-Identifier: Apache-2.0
// What the process ends with: 0 and 1 speak of results, 2 of the input and of this host.
#pragma once

namespace sluice::tool {

enum ExitStatus : int { kAllHolds = 0, kRunFailed = 1, kBadInput = 2, kInterrupted = 130 };

}  // namespace sluice::tool
