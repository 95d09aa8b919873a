// SPDX-License-Identifier: Apache-2.0
#include "models/disk/hdd_logic.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace sluice::disk {
namespace {

/// 6000 rpm = 10 ms per turn, 100 MB/s = 1 MB per turn, 1000 turns.
constexpr Bytes kTrack = 1'000'000;
HddConfig round_hdd() {
  HddConfig config;
  config.average_seek = 8'000_us;
  config.track_to_track_seek = 1'000_us;
  config.rpm = 6000;
  config.media_rate = ByteRate{100'000'000};
  config.read_ahead = 512'000;
  return config;
}
HddMedium make_hdd() { return HddMedium{round_hdd(), 1000 * kTrack}; }

TEST(HddMedium, FromItsStartItReadsAtOnce) {
  HddMedium hdd = make_hdd();
  EXPECT_EQ(hdd.read(0_ps, 0, 100'000), 1_ms);
}

TEST(HddMedium, WaitsForTheRotation) {
  HddMedium hdd = make_hdd();
  EXPECT_EQ(hdd.read(3_ms, 500'000, 100'000), 6_ms) << "at 5 ms it comes by";
  EXPECT_EQ(hdd.read(6_ms, 100'000, 100'000), 12_ms) << "missed in this turn, at 11 ms in the next";
}

TEST(HddMedium, SeeksByTheSquareRootOfTheDistance) {
  const HddMedium hdd = make_hdd();
  EXPECT_EQ(hdd.seek_time(0, kTrack - 1), 0_ps);
  // 1 ms + 15/8 * 7 ms * sqrt(distance): 250 of 1000 tracks is half of the full rise, 13.125 ms.
  EXPECT_NEAR(static_cast<double>(hdd.seek_time(0, 250 * kTrack).count()), 7.5625e9, 1e6);
  EXPECT_NEAR(static_cast<double>(hdd.seek_time(999 * kTrack, 749 * kTrack).count()), 7.5625e9, 1e6);
  EXPECT_NEAR(static_cast<double>(hdd.seek_time(0, kTrack).count()), 1e9 + 13.125e9 * std::sqrt(0.001), 1e6);
}

TEST(HddMedium, MeanSeekIsTheAverageSeek) {
  const HddMedium hdd = make_hdd();
  std::mt19937_64 random{1};
  double sum = 0;
  constexpr int kPairs = 100'000;
  for (int i = 0; i < kPairs; ++i) {
    sum += static_cast<double>(hdd.seek_time(random() % (1000 * kTrack), random() % (1000 * kTrack)).count());
  }
  EXPECT_NEAR(sum / kPairs, 8e9, 0.05e9);
}

TEST(HddMedium, SequentialReadsNeedNeitherSeekNorRotation) {
  HddMedium hdd = make_hdd();
  Picoseconds end;
  for (Bytes offset = 0; offset < 20 * kTrack; offset += 128'000) end = hdd.read(end, offset, 128'000);
  EXPECT_EQ(end, transfer_time(157 * 128'000, ByteRate{100'000'000}));
  EXPECT_EQ(hdd.busy_until(end), end);
}

TEST(HddMedium, ReadsOnWhileTheReaderThinks) {
  HddMedium hdd = make_hdd();
  EXPECT_EQ(hdd.read(0_ps, 0, 100'000), 1_ms);
  EXPECT_EQ(hdd.read(3_ms, 100'000, 100'000), 3_ms) << "in the cache since 2 ms";
  EXPECT_EQ(hdd.read(3_ms, 200'000, 200'000), 4_ms) << "the head is at 300,000 now and goes on";
}

TEST(HddMedium, AFullCacheStopsTheHead) {
  HddMedium hdd = make_hdd();
  EXPECT_EQ(hdd.read(0_ps, 0, 100'000), 1_ms);
  // Full at 612,000, which is at 6.12 ms. At 21 ms the next turn brings that place at 26.12 ms.
  EXPECT_EQ(hdd.read(21_ms, 100'000, 500'000), 21_ms);
  EXPECT_EQ(hdd.read(21_ms, 600'000, 112'000), Picoseconds{27'120'000'000});
}

TEST(HddMedium, WithoutReadAheadAPauseCostsATurn) {
  HddConfig config = round_hdd();
  config.read_ahead = 0;
  HddMedium hdd{config, 1000 * kTrack};
  EXPECT_EQ(hdd.read(0_ps, 0, 100'000), 1_ms);
  EXPECT_EQ(hdd.read(1_ms, 100'000, 100'000), 2_ms);
  EXPECT_EQ(hdd.read(3_ms, 200'000, 100'000), 13_ms);
}

TEST(HddMedium, WritesFlowOnAndAPauseCostsATurn) {
  HddMedium hdd = make_hdd();
  EXPECT_EQ(hdd.write(0_ps, 0, 333'333), Picoseconds{3'333'330'000});
  EXPECT_EQ(hdd.write(0_ps, 333'333, 66'667), 4_ms);
  EXPECT_EQ(hdd.write(5_ms, 400'000, 100'000), 15_ms);
}

TEST(HddMedium, TheFirstAccessOfAColdDriveCostsAnAverageSeekAndHalfARotation) {
  for (const Bytes offset : {Bytes{0}, Bytes{100'000}, 500 * kTrack + 7}) {
    HddMedium hdd = make_hdd();
    const Picoseconds warm = hdd.read(0_ps, offset, 100'000);
    hdd.stand_cold();
    EXPECT_EQ(hdd.read(warm, offset + 100'000, 100'000), warm + 8_ms + 5_ms + 1_ms) << offset;
    EXPECT_EQ(hdd.read(warm + 14_ms, offset + 200'000, 100'000), warm + 15_ms) << "and the next one goes on";
  }
}

TEST(HddMedium, AfterAColdStartThePlatterTurnsOn) {
  HddMedium hdd = make_hdd();
  hdd.stand_cold();
  const Picoseconds end = hdd.write(3_ms, 250'000, 100'000);
  EXPECT_EQ(end, 3_ms + 13_ms + 1_ms);
  EXPECT_EQ(hdd.write(end, 250'000, 100'000), end + 10_ms) << "the same place comes by a turn later";
}

TEST(HddMedium, BusyNeverExceedsTheTime) {
  std::mt19937_64 random{9};
  HddMedium hdd = make_hdd();
  Picoseconds now;
  for (int i = 0; i < 2000; ++i) {
    static Bytes next = 0;
    const Bytes offset = random() % 3 == 0 ? random() % (900 * kTrack) : next;
    const Bytes size = 1 + random() % 300'000;
    const Picoseconds end = random() % 5 == 0 ? hdd.write(now, offset, size) : hdd.read(now, offset, size);
    ASSERT_GE(end, now);
    next = offset + size;
    now = end + Picoseconds{static_cast<std::int64_t>(random() % 20'000'000'000)};
    ASSERT_LE(hdd.busy_until(now), now);
    ASSERT_GE(hdd.busy_until(now), 0_ps);
  }
}

}  // namespace
}  // namespace sluice::disk
