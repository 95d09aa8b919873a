// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace sluice::platform {

/// Of the library that this program runs with: "2.3.4-Accellera".
std::string systemc_version();

}  // namespace sluice::platform
