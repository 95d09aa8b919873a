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

TEST(ReceiveWindow, BeginsWithWhatASynCanAnnounce) {
  const ReceiveWindow window = started(400'000);
  EXPECT_EQ(window.unit(), 128U) << "6 MiB is 23 bits, and 16 are announced";
  EXPECT_EQ(window.select(), 65'536U) << "in whole units";
}

TEST(ReceiveWindow, ABufferThatWasSetLimitsWhatCanBeAnnounced) {
  ReceiveWindow window{128_KiB, 32_MiB};
  window.fix_buffer(425'984);  // SO_RCVBUF 212992
  window.start(kSegment, Picoseconds{});
  EXPECT_EQ(window.unit(), 4U) << "half of it is taken for overhead at first: 212992 bytes are 18 bits";
  EXPECT_EQ(window.largest(), 262'140U);
  for (int i = 0; i < 10; ++i) {
    window.queued({65'483, 66'315});
    window.freed(66'315);
  }
  // As TCP_INFO says on Linux 6.18: the buffer beside one packet, 252 bytes of 256 of it payload.
  EXPECT_EQ(window.select(), round_up(Bytes{(425'984 - 66'315) * 252 / 256}, 4));
}

TEST(ReceiveWindow, GrowsByTwoPacketsForEachThatIsWorthItsMemory) {
  ReceiveWindow window = started(425'984);
  window.queued({60'000, 61'000});
  window.freed(61'000);
  EXPECT_EQ(window.select(), round_up(65'535U + 2 * kSegment, window.unit()));
}

TEST(ReceiveWindow, LearnsHowManyBytesAByteOfPayloadCosts) {
  ReceiveWindow dense = started(100'000);
  for (int i = 0; i < 20; ++i) {
    dense.queued({10'000, 10'200});
    dense.freed(10'200);
  }
  EXPECT_EQ(dense.select(), round_up(Bytes{(100'000 - 10'200) * (10'000 * 256 / 10'200) / 256}, dense.unit()))
      << "beside a packet of this kind";
  ReceiveWindow sparse = started(100'000);
  sparse.queued({600, 2'400});
  sparse.freed(2'400);
  EXPECT_LE(sparse.select(), round_up(Bytes{100'000 / 4}, sparse.unit()));
}

TEST(ReceiveWindow, ClosesRatherThanOfferLessThanASegment) {
  ReceiveWindow window = started(425'984);
  for (int i = 0; i < 6; ++i) window.queued({65'483, 66'763});
  EXPECT_TRUE(window.tight());
  EXPECT_EQ(window.select(), 0U);
  window.freed(6 * 66'763);
  EXPECT_FALSE(window.tight());
  EXPECT_GT(window.select(), 0U);
}

TEST(ReceiveWindow, TellsWhereAWriteEnds) {
  ReceiveWindow window = started(425'984);
  EXPECT_EQ(window.queued({1000, 2'304}), WriteEnd::None) << "the largest so far, and not pushed";
  EXPECT_EQ(window.queued({1000, 2'304, 1000, true}), WriteEnd::FullSegment);
  EXPECT_EQ(window.queued({3000, 4'304, 1000, true}), WriteEnd::None) << "several segments: more may follow";
  EXPECT_EQ(window.queued({999, 2'304, 999, true}), WriteEnd::Small);
}

TEST(ReceiveWindow, TakesTwoSmallerPacketsOfOneSizeForThePeersSegments) {
  ReceiveWindow window = started(425'984);
  window.queued({1448, 2'304});
  EXPECT_EQ(window.queued({1000, 2'304, 1000, true}), WriteEnd::Small);
  EXPECT_EQ(window.measured_segment(), 1448U);
  EXPECT_EQ(window.queued({1000, 2'304, 1000, true}), WriteEnd::None);
  EXPECT_EQ(window.measured_segment(), 1000U);
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
