// SPDX-License-Identifier: Apache-2.0
#include "models/nic/burst.h"

#include <cstring>

#include <gtest/gtest.h>

namespace sluice::nic {
namespace {

Burst three_frames() {
  Burst burst;
  burst.header.source_address = 0x0A000001;
  burst.header.sequence = 100;
  burst.header.flags = tcp_flag::kAck;
  burst.frames = 3;
  burst.frame_payload = 1000;
  burst.storage = Buffer::of_size(66 + 2500);
  burst.payload_at = 66;
  for (Bytes i = 0; i < burst.storage.size; ++i) burst.storage.bytes[i] = static_cast<std::byte>(i * 7);
  burst.first_arrival = 10_us;
  burst.interval = 1_us;
  burst.last_arrival = 11'500_ns;  // the last frame is half as long
  return burst;
}

TEST(Burst, FramesArriveEvenlyAndAShorterLastOneEarlier) {
  const Burst burst = three_frames();
  EXPECT_EQ(burst.arrival_of(0), 10_us);
  EXPECT_EQ(burst.arrival_of(1), 11_us);
  EXPECT_EQ(burst.arrival_of(2), 11'500_ns);
}

TEST(Burst, EachSealedFrameVerifiesAsAReceiverDoesIt) {
  const Burst burst = three_frames();
  for (unsigned i = 0; i < 3; ++i) {
    PacketHeader header;
    const HeaderBytes sealed = burst.sealed_header(i);
    ASSERT_TRUE(decode(sealed, header));
    EXPECT_EQ(header.sequence, 100 + i * 1000);
    Burst alone;
    alone.header = header;
    alone.storage = Buffer::of_size(burst.payload_of(i));
    alone.frame_payload = alone.storage.size;
    std::memcpy(alone.storage.bytes.get(), burst.payload().data() + i * 1000, alone.storage.size);
    EXPECT_TRUE(alone.checksum_is_right());
    alone.storage.bytes[5] ^= std::byte{1};
    EXPECT_FALSE(alone.checksum_is_right());
  }
}

}  // namespace
}  // namespace sluice::nic
