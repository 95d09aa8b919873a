// SPDX-License-Identifier: Apache-2.0
#include "tools/sluice/command.h"
#include "tools/sluice/streams.h"
#include "tools/sluice/version.h"

namespace sluice::tool {

Action define_version(CLI::App& /*app*/, const GlobalOptions& /*globals*/) {
  return [] {
    print(version_text() + "\n");
    return kAllHolds;
  };
}

}  // namespace sluice::tool
