// SPDX-License-Identifier: Apache-2.0
#include "models/platform/systemc_version.h"

#include <systemc>

namespace sluice::platform {

std::string systemc_version() { return sc_core::sc_release(); }

}  // namespace sluice::platform
