// SPDX-License-Identifier: Apache-2.0
#include "models/disk/ssd_logic.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace sluice::disk {
namespace {

/// 4 channels of 256 MB/s = 4 KiB in 16 us, 2 dies each, 50 us to sense.
SsdConfig small_ssd() {
  SsdConfig config;
  config.channels = 4;
  config.dies_per_channel = 2;
  config.stripe_size = 4_KiB;
  config.page_size = 16_KiB;
  config.read_latency = 50_us;
  config.program_latency = 500_us;
  config.read_rate = ByteRate{1'024'000'000};
  config.write_rate = ByteRate{512'000'000};
  return config;
}

TEST(SsdMedium, OneStripeSensesAndCrossesItsChannel) {
  SsdMedium ssd{small_ssd()};
  EXPECT_EQ(ssd.read(10_us, 0, 4_KiB), 76_us);
  EXPECT_EQ(ssd.busy_until(1_ms), 4_us) << "one channel of four for 16 us";
}

TEST(SsdMedium, ChannelsWorkInParallel) {
  SsdMedium ssd{small_ssd()};
  EXPECT_EQ(ssd.read(0_ps, 0, 16_KiB), 66_us);
  EXPECT_EQ(ssd.read(0_ps, 16_KiB, 16_KiB), 82_us) << "the same NAND pages, sensed once";
  EXPECT_EQ(ssd.busy_until(1_ms), 32_us);
}

TEST(SsdMedium, DiesOfAChannelSenseInParallel) {
  SsdMedium ssd{small_ssd()};
  EXPECT_EQ(ssd.read(0_ps, 0, 4_KiB), 66_us);
  EXPECT_EQ(ssd.read(0_ps, 64_KiB, 4_KiB), 82_us) << "other die, same channel";
  EXPECT_EQ(ssd.read(0_ps, 128_KiB, 4_KiB), 116_us) << "first die again: sensed from 50 to 100 us";
}

TEST(SsdMedium, ADieSensedEarlyDoesNotWaitBehindOneSensedLate) {
  SsdMedium ssd{small_ssd()};
  ssd.read(0_ps, 0, 4_KiB);                           // die 0: channel from 50 to 66
  EXPECT_EQ(ssd.read(0_ps, 128_KiB, 4_KiB), 116_us);  // die 0 again: from 100
  EXPECT_EQ(ssd.read(0_ps, 64_KiB, 4_KiB), 82_us);    // die 1 in between
}

TEST(SsdMedium, SequentialReadingReachesTheRate) {
  SsdMedium ssd{small_ssd()};
  Picoseconds end;
  for (Bytes offset = 0; offset < 16_MiB; offset += 64_KiB) end = std::max(end, ssd.read(0_ps, offset, 64_KiB));
  const Picoseconds ideal = transfer_time(16_MiB, ByteRate{1'024'000'000});
  EXPECT_GE(end, ideal);
  EXPECT_LE(end.count(), ideal.count() * 102 / 100);
}

TEST(SsdMedium, DeepRandomReadingIsLimitedByTheDies) {
  // Evenly spread over 8 dies, each senses for 50 us: 6.25 us per read.
  SsdMedium ssd{small_ssd()};
  Picoseconds end;
  for (Bytes i = 0; i < 800; ++i) {
    const Bytes channel = i % 4;
    const Bytes page = i / 4 + 1;
    end = std::max(end, ssd.read(0_ps, (page * 16 + channel) * 4_KiB, 4_KiB));
  }
  EXPECT_GE(end, 5'000_us);
  EXPECT_LE(end, 5'100_us);
}

TEST(SsdMedium, WritesSpreadOverChannelsAndProgram) {
  SsdMedium ssd{small_ssd()};
  EXPECT_EQ(ssd.write(0_ps, 0, 4_KiB), 532_us);  // 32 us on the channel
  EXPECT_EQ(ssd.write(0_ps, 0, 12_KiB), 532_us) << "the other three channels";
  EXPECT_EQ(ssd.write(0_ps, 0, 4_KiB), 564_us);
}

TEST(SsdMedium, BusyTimeCountsOnlyThePast) {
  SsdMedium ssd{small_ssd()};
  ssd.read(0_ps, 0, 4_KiB);
  EXPECT_EQ(ssd.busy_until(50_us), 0_us);
  EXPECT_EQ(ssd.busy_until(58_us), 2_us);
  EXPECT_EQ(ssd.busy_until(66_us), 4_us);
}

}  // namespace
}  // namespace sluice::disk
