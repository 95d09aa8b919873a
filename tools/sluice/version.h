// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace sluice::tool {

/// "sluice 0.1.0, commit 0123456789ab, SystemC 2.3.4".
std::string version_text();

}  // namespace sluice::tool
