// SPDX-License-Identifier: Apache-2.0
// At which size one strategy becomes cheaper than another.
#pragma once

#include <span>
#include <vector>

namespace sluice::analysis {

/// The costs of two strategies at one size > 0; costs > 0 in any unit.
struct CostPair {
  double size;
  double first;
  double second;
};

/// The sizes at which the cheaper of both changes, ascending. Between the sizes of `curve` (ascending) the ratio of the
/// costs is taken to change geometrically with the size. Equal costs lie on neither side.
std::vector<double> crossovers(std::span<const CostPair> curve);

}  // namespace sluice::analysis
