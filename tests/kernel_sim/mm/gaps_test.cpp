// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/mm/gaps.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::mm {
namespace {

TEST(Gaps, TheHighestRoomIsFoundAndWhatIsGivenBackMerges) {
  Gaps gaps{10, 100};
  EXPECT_EQ(gaps.highest(90), 10U);
  EXPECT_EQ(gaps.highest(91), std::nullopt);
  gaps.occupy(50, 60);
  EXPECT_EQ(gaps.highest(40), 60U);
  EXPECT_EQ(gaps.highest(41), std::nullopt);
  gaps.occupy(60, 100);
  EXPECT_EQ(gaps.highest(40), 10U);
  EXPECT_EQ(gaps.lowest(5, 20, 30), 20U);
  EXPECT_EQ(gaps.lowest(11, 20, 30), std::nullopt);
  gaps.release(50, 100);
  EXPECT_EQ(gaps.highest(90), 10U);
}

/// Seed 1, against a search page by page.
TEST(Gaps, RandomRangesAreFoundAsAPageByPageSearchFindsThem) {
  constexpr std::uint64_t kPages = 200;
  std::mt19937 random{1};
  std::vector<bool> taken(kPages);
  Gaps gaps{0, kPages};
  const auto highest = [&](std::uint64_t pages) -> std::optional<std::uint64_t> {
    std::uint64_t run = 0;
    for (std::uint64_t i = kPages; i-- > 0;) {
      run = taken[i] ? 0 : run + 1;
      if (run == pages) return i;
    }
    return {};
  };
  for (int i = 0; i < 5000; ++i) {
    const std::uint64_t size = 1 + random() % 20;
    const std::uint64_t first = random() % (kPages - size);
    bool free = true;
    bool used = true;
    for (std::uint64_t page = first; page < first + size; ++page) (taken[page] ? free : used) = false;
    if (used) gaps.release(first, first + size);
    if (free) gaps.occupy(first, first + size);
    for (std::uint64_t page = first; (used || free) && page < first + size; ++page) taken[page] = free;
    const std::uint64_t wanted = 1 + random() % 30;
    ASSERT_EQ(gaps.highest(wanted), highest(wanted)) << "step " << i << ", " << wanted << " pages";
  }
}

}  // namespace
}  // namespace sluice::mm
