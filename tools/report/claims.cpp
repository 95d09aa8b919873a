// SPDX-License-Identifier: Apache-2.0
#include "tools/report/claims.h"

#include <array>

namespace sluice::report {

const Claim* claim_for(const std::string& strategy) {
  static constexpr std::array<Claim, 5> kClaims{{{"read_write", 4, 2, 2},
                                                 {"mmap_write", 4, 1, 2},
                                                 {"sendfile", 2, 1, 2},
                                                 {"sendfile_gather", 2, 0, 2},
                                                 {"splice", 2, 0, 2}}};
  for (const Claim& claim : kClaims) {
    if (strategy == claim.strategy) return &claim;
  }
  return nullptr;
}

}  // namespace sluice::report
