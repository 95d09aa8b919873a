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
  config.planes = 1;
  config.write_amplification = 4;
  config.channel_rate = ByteRate{256'000'000};
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

TEST(SsdMedium, MoreChannelsOfTheSameRateAreNotSlower) {
  for (const Bytes size : {4_KiB, 64_KiB, 1_MiB}) {
    Picoseconds before = 1000_ms;
    for (const unsigned channels : {1U, 2U, 4U, 8U, 16U, 32U, 64U}) {
      SsdConfig config = small_ssd();
      config.channels = channels;
      const Picoseconds end = SsdMedium{config}.read(0_ps, 0, size);
      EXPECT_LE(end, before) << channels << " channels, " << size << " B";
      before = end;
    }
  }
}

TEST(SsdMedium, AFasterPartIsNotSlower) {
  const auto time_of = [](const SsdConfig& config) {
    SsdMedium ssd{config};
    Picoseconds end;
    for (Bytes offset = 0; offset < 4_MiB; offset += 32_KiB) end = std::max(end, ssd.read(0_ps, offset, 32_KiB));
    return end;
  };
  SsdConfig better = small_ssd();
  better.channel_rate = ByteRate{512'000'000};
  EXPECT_LE(time_of(better), time_of(small_ssd()));
  better.read_rate = ByteRate{2'048'000'000};
  EXPECT_LT(time_of(better), time_of(small_ssd()));
  better = small_ssd();
  better.read_latency = 25_us;
  EXPECT_LT(time_of(better), time_of(small_ssd()));
  better = small_ssd();
  better.dies_per_channel = 4;
  EXPECT_LE(time_of(better), time_of(small_ssd()));
}

TEST(SsdMedium, AColdDriveSensesEveryPageAnew) {
  SsdMedium ssd{small_ssd()};
  const Picoseconds first = ssd.read(0_ps, 0, 4_KiB);
  EXPECT_LT(ssd.read(first, 16_KiB, 4_KiB) - first, 50_us) << "the page is in the register";
  ssd.stand_cold();
  EXPECT_EQ(ssd.read(1_ms, 32_KiB, 4_KiB), 1'066_us);
}

TEST(SsdMedium, AWriteMakesWhatARegisterHoldsUntrue) {
  SsdMedium ssd{small_ssd()};
  ssd.read(0_ps, 0, 4_KiB);
  ssd.write(1_ms, 0, 4_KiB);
  EXPECT_EQ(ssd.read(10_ms, 0, 4_KiB), 10'066_us);
  ssd.write(20_ms, 64_KiB, 4_KiB);
  EXPECT_EQ(ssd.read(30_ms, 16_KiB, 4_KiB), 30'016_us) << "a page of another die was written";
}

TEST(SsdMedium, WritesSpreadOverChannelsAndProgram) {
  SsdMedium ssd{small_ssd()};
  EXPECT_EQ(ssd.write(0_ps, 0, 4_KiB), 516_us);  // 16 us on the channel
  EXPECT_EQ(ssd.write(0_ps, 4_KiB, 12_KiB), 532_us) << "the other three channels, 24 us behind the first on the path";
}

TEST(SsdMedium, WritingInOrderReachesWhatTheDiesProgram) {
  // 8 dies, each 16 KiB in 500 us: 262 MB/s, less than the 512 MB/s of the path.
  SsdConfig config = small_ssd();
  EXPECT_NEAR(static_cast<double>(config.sustained_write().value()), 262.144e6, 1);
  SsdMedium ssd{config};
  Picoseconds end;
  for (Bytes offset = 0; offset < 16_MiB; offset += 64_KiB) end = std::max(end, ssd.write(0_ps, offset, 64_KiB));
  EXPECT_NEAR(static_cast<double>(end.count()), 16.0 * 1024 * 1024 / 262.144e6 * 1e12, 1e9);
  config.planes = 8;
  EXPECT_EQ(config.sustained_write().value(), 512'000'000U) << "now the path is slower";
}

TEST(SsdMedium, RandomWritesArePaidWithTheirAmplificationInTheLongRun) {
  const auto time_of = [](Bytes step) {
    SsdMedium ssd{small_ssd()};
    Picoseconds end;
    for (Bytes i = 0; i < 4096; ++i) end = std::max(end, ssd.write(0_ps, i * step, 4_KiB));
    return static_cast<double>(end.count());
  };
  EXPECT_NEAR(time_of(12_KiB) / time_of(4_KiB), 4, 0.1);
}

TEST(SsdMedium, StreamsOfWritesMayAlternate) {
  SsdMedium ssd{small_ssd()};
  Picoseconds end;
  for (Bytes i = 0; i < 2048; ++i) {
    end = std::max(end, ssd.write(0_ps, i * 4_KiB, 4_KiB));
    end = std::max(end, ssd.write(0_ps, 1_GiB + i * 4_KiB, 4_KiB));
  }
  EXPECT_NEAR(static_cast<double>(end.count()), 16.0 * 1024 * 1024 / 262.144e6 * 1e12, 2e9);
}

TEST(SsdMedium, BusyTimeCountsOnlyThePast) {
  SsdMedium ssd{small_ssd()};
  ssd.read(0_ps, 0, 4_KiB);
  EXPECT_EQ(ssd.busy_until(50_us), 0_us);
  EXPECT_EQ(ssd.busy_until(52_us), 2_us) << "the path carries it in a quarter of the time that the channel takes";
  EXPECT_EQ(ssd.busy_until(66_us), 4_us);
}

}  // namespace
}  // namespace sluice::disk
