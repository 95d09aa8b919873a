// SPDX-License-Identifier: Apache-2.0
#include "tools/analysis/crossover.h"

#include <cmath>
#include <optional>

namespace sluice::analysis {

std::vector<double> crossovers(std::span<const CostPair> curve) {
  struct Place {
    double log_size;
    double log_ratio;
  };
  std::vector<double> sizes;
  std::optional<Place> last;
  for (const CostPair& pair : curve) {
    const Place here{std::log(pair.size), std::log(pair.first / pair.second)};
    if (here.log_ratio == 0) continue;
    if (last && std::signbit(last->log_ratio) != std::signbit(here.log_ratio)) {
      const double share = last->log_ratio / (last->log_ratio - here.log_ratio);
      sizes.push_back(std::exp(std::lerp(last->log_size, here.log_size, share)));
    }
    last = here;
  }
  return sizes;
}

}  // namespace sluice::analysis
