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
    // What the simulated kernel does not have.
    KnownDifference{"zerocopy_option", "there is no MSG_ZEROCOPY"},
    KnownDifference{"families", "sockets are of AF_INET and SOCK_STREAM alone"},
    // What it does otherwise.
    KnownDifference{"min_full_disk", "a store into a hole of a full disk succeeds"},
    KnownDifference{"seek_hole", "holes are not seen"},
    KnownDifference{"min_sparse_past", "holes are not seen"},
    KnownDifference{"mmap_flags", "flags are passed over"},
    KnownDifference{"madv_dontneed", "advice is missing"},
    KnownDifference{"pipe_direct", "packet pipes are missing"},
    KnownDifference{"dirty_sync", "O_TMPFILE is missing"},
};

}  // namespace

std::string_view known_difference(std::string_view id) {
  const auto* found = std::ranges::find(kKnown, id, &KnownDifference::id);
  return found == kKnown.end() ? std::string_view{} : found->reason;
}

}  // namespace sluice::field_cases
