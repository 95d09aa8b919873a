// SPDX-License-Identifier: Apache-2.0
// How long commands take, and how many are done in a second.
#include "tests/models/disk_device/driven_disk.h"

namespace sluice::disk {
namespace {

using base::make_synthetic_content;

TEST_F(DiskControllerTest, LatencyIsTheSumOfItsParts) {
  DiskConfig config = small_config();
  config.doorbell_latency = 200_ns;
  config.command_overhead = 1'500_ns;
  config.ssd.read_latency = 60_us;
  config.ssd.channels = 8;
  config.ssd.channel_rate = ByteRate{400'000'000};
  TestHost host{"host", config};
  drive(host, [&] {
    host.enable();
    host.put(TestHost::command(Opcode::Read, 0, 8), {{kData, 4096}});
    host.ring();
    host.next_completion();
    // doorbell 200, fetch of 64 B 504, overhead 1500, sensing 60000, channel 4 KiB at 400 MB/s 10240, data 4 KiB onto
    // the link 256 ns; entry and message follow, and the message is not delayed here.
    EXPECT_EQ(TestHost::now(), 200_ns + 504_ns + 1'500_ns + 60_us + 10'240_ns + 256_ns);
  });
}

TEST_F(DiskControllerTest, WithoutWriteCacheAWriteWaitsForTheMedium) {
  DiskConfig config = small_config();
  config.write_cache = false;
  TestHost host{"host", config};
  drive(host, [&] {
    host.enable();
    host.put(TestHost::command(Opcode::Write, 0, 8), {{kData, 4096}});
    host.ring();
    host.next_completion();
    EXPECT_GE(TestHost::now(), 820_us);
  });
}

TEST_F(DiskControllerTest, ADeepQueueReachesTheRateOfTheMedium) {
  TestHost host{"host", small_config()};
  constexpr Bytes kTotal = 32_MiB;
  const auto content = make_synthetic_content(kTotal, 1);
  host.image->place(0, content, 1);
  drive(host, [&] {
    host.enable(512);
    for (std::uint32_t i = 0; i < 256; ++i) {
      host.put(TestHost::command(Opcode::Read, i * 256, 256, static_cast<std::uint16_t>(i)),
               {{kData + i * 128_KiB, 128_KiB}});
    }
    host.ring();
    for (int i = 0; i < 256; ++i) EXPECT_EQ(host.next_completion().status, 0);
    const Picoseconds ideal = transfer_time(kTotal, ByteRate{3'200'000'000});
    EXPECT_GE(TestHost::now(), ideal);
    EXPECT_LE(TestHost::now().count(), ideal.count() * 102 / 100);
    EXPECT_LE(host.disk.medium_busy_until(TestHost::now()), TestHost::now());
    EXPECT_GE(host.disk.medium_busy_until(TestHost::now()).count(), ideal.count() * 99 / 100);
    EXPECT_TRUE(content->equals(0, std::span{host.memory.bytes}.subspan(kData, kTotal)));
  });
  EXPECT_GT(host.disk.statistics().most_active, 64U);
}

TEST_F(DiskControllerTest, ASlowLinkLimitsInsteadAndTheBufferHoldsTheMediumBack) {
  DiskConfig config = small_config();
  config.buffer_size = 256_KiB;
  TestHost host{"host", config};
  host.memory.rate = ByteRate{1'000'000'000};
  drive(host, [&] {
    host.enable(128);
    for (std::uint32_t i = 0; i < 64; ++i) {
      host.put(TestHost::command(Opcode::Read, i * 256, 256), {{kData + i * 128_KiB, 128_KiB}});
    }
    host.ring();
    for (int i = 0; i < 64; ++i) EXPECT_EQ(host.next_completion().status, 0);
    const Picoseconds ideal = transfer_time(8_MiB, ByteRate{1'000'000'000});
    EXPECT_GE(TestHost::now(), ideal);
    EXPECT_LE(TestHost::now().count(), ideal.count() * 105 / 100);
  });
}

TEST_F(DiskControllerTest, OnASlowLinkACompletionDoesNotWaitForTheDataOfLaterCommands) {
  TestHost host{"host", small_config()};
  host.memory.rate = ByteRate{100'000'000};  // 1.31 ms for each command; the medium is ready after 0.1 ms
  drive(host, [&] {
    host.enable();
    for (std::uint32_t i = 0; i < 4; ++i) {
      host.put(TestHost::command(Opcode::Read, i * 256, 256), {{kData + i * 128_KiB, 128_KiB}});
    }
    host.ring();
    const Picoseconds each = transfer_time(128_KiB, host.memory.rate);
    for (std::uint32_t i = 1; i <= 4; ++i) {
      host.next_completion();
      EXPECT_LE(TestHost::now(), each * i + 100_us) << "command " << i;
    }
  });
}

TEST_F(DiskControllerTest, RandomWritesFillTheCacheAndThenGoAsFastAsTheDiesProgram) {
  DiskConfig config = small_config();
  TestHost host{"host", config};
  drive(host, [&] {
    host.enable();
    Picoseconds early;
    constexpr unsigned kWrites = 20'000;  // 80 MiB through a buffer of 8 MiB
    for (std::uint32_t i = 0; i < kWrites; ++i) {
      host.put(TestHost::command(Opcode::Write, (i * 7919ULL % 65536) * 8, 8), {{kData, 4096}});
      host.ring();
      host.next_completion();
      host.return_completions();
      if (i == 999) early = TestHost::now();
    }
    EXPECT_LT(early / 1000, 5_us) << "into the cache";
    const double rate = kWrites * 4096.0 * 1e12 / static_cast<double>(TestHost::now().count());
    const double dies = 64 * 2 * 16384.0 / 820e-6;  // 64 dies with two planes of 16 KiB, 820 us
    EXPECT_NEAR(rate, dies / config.ssd.write_amplification, 0.15 * dies / config.ssd.write_amplification);
  });
}

TEST_F(DiskControllerTest, InterruptsAreCoalescedByCountAndTime) {
  DiskConfig config = small_config();
  config.coalesce_completions = 4;
  config.coalesce_time = 1_ms;
  TestHost host{"host", config};
  drive(host, [&] {
    host.enable();
    for (std::uint32_t i = 0; i < 6; ++i) host.put(TestHost::command(Opcode::Read, i * 8, 8), {{kData, 4096}});
    host.ring();
    for (int i = 0; i < 6; ++i) host.next_completion();
  });
  ASSERT_EQ(host.memory.interrupts.size(), 2U) << "four at once, and the other two after a time";
  EXPECT_LT(host.memory.interrupts[0].first, 200_us);
  EXPECT_GE(host.memory.interrupts[1].first, 1_ms);
  EXPECT_LT(host.memory.interrupts[1].first, 1'200_us);
}

TEST_F(DiskControllerTest, AHardDiskReadsSequentiallyAtItsMediaRate) {
  DiskConfig config = small_config();
  config.medium = MediumKind::Hdd;
  TestHost host{"host", config};
  drive(host, [&] {
    host.enable();
    for (std::uint32_t i = 0; i < 64; ++i) {  // one at a time, with a pause, as a reader does
      host.put(TestHost::command(Opcode::Read, i * 256, 256), {{kData + i * 128_KiB, 128_KiB}});
      host.ring();
      host.next_completion();
      host.return_completions();
      sc_core::wait(100, sc_core::SC_US);
    }
    const Picoseconds ideal = transfer_time(8_MiB, ByteRate{100'000'000});
    // The first read finds the head just past the start and waits a turn of 8.33 ms.
    EXPECT_GE(TestHost::now(), ideal);
    EXPECT_LE(TestHost::now(), ideal + 9_ms);
  });
}

}  // namespace
}  // namespace sluice::disk
