// SPDX-License-Identifier: Apache-2.0
// A platform file as text, each parameter with where it comes from.
#pragma once

#include <map>
#include <string>

#include "tools/scenario/configuration.h"

namespace sluice::tool {

/// Where a parameter of a calibrated platform comes from.
struct Origin {
  std::string source;  ///< "measured", "/proc/sys/..."
  double spread = -1;  ///< interquartile range as a share of the value; below 0: not a repeated measurement
  std::string note;    ///< what was measured, or why it was not; becomes a comment
};

/// All parameters of the machine and the kernel. Those that `origins` does not name have their own source.
/// `configuration.host` must be set; its date dates what `origins` names.
std::string platform_text(const scenario::Configuration& configuration, const std::map<std::string, Origin>& origins);

}  // namespace sluice::tool
