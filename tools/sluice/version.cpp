// SPDX-License-Identifier: Apache-2.0
#include "tools/sluice/version.h"

#include <sluice_commit.h>

#include <fmt/format.h>

#include "models/platform/systemc_version.h"

namespace sluice::tool {

std::string version_text() {
  return fmt::format("sluice {}, commit {}, SystemC {}", SLUICE_VERSION, SLUICE_COMMIT, platform::systemc_version());
}

}  // namespace sluice::tool
