// SPDX-License-Identifier: Apache-2.0
#include "models/memory/dram.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "models/base/result.h"

namespace sluice::memory {
namespace {

/// 10 GB/s sustained, so that 64 bytes take 6.4 ns; idle latency 80 ns; 640 bytes (64 ns) of write buffer.
MemoryConfig ten_gigabytes() {
  MemoryConfig config;
  config.size = 16_MiB;
  config.bandwidth = ByteRate{12'500'000'000};
  config.efficiency = Fraction{800'000};
  config.latency = 80_ns;
  config.write_buffer = 640;
  return config;
}

TEST(Dram, AReadTakesItsTransferAndTheLatency) {
  Dram dram{ten_gigabytes()};
  EXPECT_EQ(dram.access(1_us, 64, 0), 1_us + Picoseconds{6'400} + 80_ns);
  EXPECT_EQ(dram.bytes_read(), 64U);
}

TEST(Dram, ReadersAndWritersShareTheBandwidth) {
  Dram dram{ten_gigabytes()};
  dram.access(0_ps, 0, 64'000);  // 6.4 us
  EXPECT_EQ(dram.access(0_ps, 64'000, 0), Picoseconds{12'800'000} + 80_ns);
  EXPECT_EQ(dram.busy_until(20_us), Picoseconds{12'800'000});
  EXPECT_EQ(dram.busy_until(1_us), 1_us);
}

TEST(Dram, AWriterWaitsOnlyWhenTheBufferIsFull) {
  Dram dram{ten_gigabytes()};
  EXPECT_EQ(dram.access(0_ps, 0, 640), 0_ps);
  EXPECT_EQ(dram.access(0_ps, 0, 640), 64_ns);
  EXPECT_EQ(dram.access(1_us, 0, 64), 1_us);
  EXPECT_EQ(dram.bytes_written(), 1'344U);
}

TEST(Dram, BytesStartAsZeroAndStay) {
  Dram dram{ten_gigabytes()};
  const auto page = dram.at(PhysAddr{0x3000}, kPageSize);
  EXPECT_TRUE(std::all_of(page.begin(), page.end(), [](std::byte b) { return b == std::byte{0}; }));
  page[5] = std::byte{42};
  EXPECT_EQ(dram.at(PhysAddr{0x3005}, 1)[0], std::byte{42});
}

TEST(Dram, KnowsItsEnd) {
  Dram dram{ten_gigabytes()};
  EXPECT_TRUE(dram.contains(PhysAddr{16_MiB - 1}, 1));
  EXPECT_FALSE(dram.contains(PhysAddr{16_MiB - 1}, 2));
  EXPECT_FALSE(dram.contains(PhysAddr{~0ULL}, 1));
  EXPECT_THROW((void)dram.at(PhysAddr{16_MiB}, 1), base::SimulatorBug);
}

TEST(Dram, RefusesASizeThatTheHostCannotGive) {
  MemoryConfig config = ten_gigabytes();
  config.size = Bytes{1} << 50;
  EXPECT_THROW(Dram{config}, base::InputError);
  config.size = 4097;
  EXPECT_THROW(Dram{config}, base::InputError);
}

TEST(Dram, EveryParameterIsDescribed) {
  MemoryConfig config;
  base::ParameterTable table;
  config.describe(table);
  for (const char* name : {"size", "bandwidth", "efficiency", "latency", "write_buffer"}) {
    ASSERT_NE(table.find(name), nullptr) << name;
    EXPECT_TRUE(table.find(name)->set(table.find(name)->get())) << name << " accepts its own text";
  }
}

}  // namespace
}  // namespace sluice::memory
