// SPDX-License-Identifier: Apache-2.0
// A platform file as text: the parameters that were measured on a host, each with where it comes from.
#pragma once

#include <map>
#include <string>

#include "tools/scenario/configuration.h"

namespace sluice::calibrate {

/// Where a parameter of a calibrated platform comes from.
struct Origin {
  std::string source;  ///< "measured", "/proc/sys/..."
  double spread = -1;  ///< interquartile range as a share of the value; below 0: not a repeated measurement
  std::string note;    ///< what was measured, or why it was not; becomes a comment
};

/// What `origins` names; everything else has its default. `configuration.host` must be set; its date dates the values.
std::string platform_text(const scenario::Configuration& configuration, const std::map<std::string, Origin>& origins);

}  // namespace sluice::calibrate
