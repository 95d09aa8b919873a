// SPDX-License-Identifier: Apache-2.0
// The cases that do not agree with Linux, and why. A case that agrees must not stand here: the test says so.
#include <algorithm>
#include <array>

#include "tests/field_cases/field_case.h"

namespace sluice::field_cases {

namespace {

struct KnownDifference {
  std::string_view id;
  std::string_view reason;
};

constexpr std::array kKnown = {
    KnownDifference{"zerocopy_option", "there is no MSG_ZEROCOPY"},
    KnownDifference{"families", "sockets are of AF_INET and SOCK_STREAM alone"},
};

}  // namespace

std::string_view known_difference(std::string_view id) {
  const auto* found = std::ranges::find(kKnown, id, &KnownDifference::id);
  return found == kKnown.end() ? std::string_view{} : found->reason;
}

}  // namespace sluice::field_cases
