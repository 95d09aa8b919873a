// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/receive_window.h"

#include <gtest/gtest.h>

namespace sluice::net {
namespace {

constexpr Bytes kSegment = 65'483;

ReceiveWindow started(Bytes buffer, Bytes most = 6_MiB) {
  ReceiveWindow window{buffer, most};
  window.start(kSegment, Picoseconds{});
  return window;
}

TEST(ReceiveWindow, BeginsWithWhatASynCanAnnounce) { EXPECT_EQ(started(400'000).select(), 65'535U); }

TEST(ReceiveWindow, GrowsByTwoPacketsForEachThatIsWorthItsMemory) {
  ReceiveWindow window = started(425'984);
  window.queued(60'000, 61'000);
  window.freed(61'000);
  EXPECT_EQ(window.select(), 65'535U + 2 * kSegment);
}

TEST(ReceiveWindow, LearnsHowManyBytesAByteOfPayloadCosts) {
  ReceiveWindow dense = started(100'000);
  for (int i = 0; i < 20; ++i) {
    dense.queued(10'000, 10'200);
    dense.freed(10'200);
  }
  EXPECT_EQ(dense.select(), (100'000U - 10'200) * (10'000 * 256 / 10'200) / 256) << "beside a packet of this kind";
  ReceiveWindow sparse = started(100'000);
  sparse.queued(600, 2'400);
  sparse.freed(2'400);
  EXPECT_LE(sparse.select(), 100'000U / 4);
}

TEST(ReceiveWindow, ClosesRatherThanOfferLessThanASegment) {
  ReceiveWindow window = started(425'984);
  for (int i = 0; i < 6; ++i) window.queued(65'483, 66'763);
  EXPECT_TRUE(window.tight());
  EXPECT_EQ(window.select(), 0U);
  window.freed(6 * 66'763);
  EXPECT_FALSE(window.tight());
  EXPECT_GT(window.select(), 0U);
}

TEST(ReceiveWindow, FollowsTheReaderUnlessItWasSet) {
  ReceiveWindow window = started(128_KiB);
  ReceiveWindow fixed = started(128_KiB);
  fixed.fix_buffer(128_KiB);
  for (int i = 1; i < 10; ++i) {
    window.read(Bytes{200'000} * static_cast<Bytes>(i), 1_ms * static_cast<std::uint64_t>(i));
    fixed.read(Bytes{200'000} * static_cast<Bytes>(i), 1_ms * static_cast<std::uint64_t>(i));
  }
  EXPECT_GT(window.buffer(), 1_MiB);
  EXPECT_LE(window.buffer(), 6_MiB);
  EXPECT_EQ(fixed.buffer(), 128_KiB);
}

}  // namespace
}  // namespace sluice::net
