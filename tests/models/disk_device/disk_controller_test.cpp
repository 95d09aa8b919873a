// SPDX-License-Identifier: Apache-2.0
#include "models/disk/disk_controller.h"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/disk_device/test_host.h"
#include "tests/support/simulation.h"

namespace sluice::disk {
namespace {

using base::make_synthetic_content;
using testing::IsEmpty;

DiskConfig small_config() {
  DiskConfig config;
  config.capacity = 1_GiB;
  return config;
}

class DiskControllerTest : public tests::Simulation {
 protected:
  /// Runs `body` as the driver, until it ends.
  void drive(TestHost& host, std::function<void()> body) {
    bool finished = false;
    thread([&, body] {
      body();
      finished = true;
    });
    run();
    EXPECT_TRUE(finished) << "the driver waits for a completion that never comes";
    EXPECT_THAT(host.ledger.breaches(), IsEmpty());
  }
  static void assign(TestHost& host, std::uint64_t address, Bytes size, Place place) {
    for (Bytes i = 0; i < size; i += kPageSize) host.ledger.assign(Frame::of(PhysAddr{address + i}), place);
  }
  static Bytes payload(const TestHost& host, Place from, Place to, Mover by) {
    for (const base::Move& move : host.ledger.moves()) {
      if (move.from == from && move.to == to && move.by == by) return move.bytes.payload;
    }
    return 0;
  }
};

constexpr std::uint64_t kData = 16_MiB;

TEST_F(DiskControllerTest, ReadsIntoMemoryAndReportsEachMove) {
  TestHost host{"host", small_config()};
  const auto content = make_synthetic_content(128_KiB, 1);
  host.image->place(1_MiB, content, 7);
  assign(host, kData, 128_KiB, Place::PageCache);
  drive(host, [&] {
    host.enable();
    EXPECT_EQ(host.read(reg::kStatus), status::kReady);
    host.put(TestHost::command(Opcode::Read, 2048, 256, 42), {{kData, 128_KiB}});
    host.ring();
    const CompletionEntry entry = host.next_completion();
    EXPECT_EQ(entry.command_id, 42);
    EXPECT_EQ(entry.status, 0);
    EXPECT_EQ(entry.sq_head, 1);
    EXPECT_TRUE(content->equals(0, std::span{host.memory.bytes}.subspan(kData, 128_KiB)));
  });
  EXPECT_EQ(payload(host, Place::DiskMedia, Place::DiskBuffer, Mover::Device), 128_KiB);
  EXPECT_EQ(payload(host, Place::DiskBuffer, Place::PageCache, Mover::Dma), 128_KiB);
  EXPECT_EQ(host.ledger.held_in(Place::DiskBuffer), 0);
  EXPECT_EQ(host.ledger.shadow_of(PhysAddr{kData}, 128_KiB), (base::Shadow{{0, 128_KiB, 0, 7, 0}}));
  ASSERT_EQ(host.memory.interrupts.size(), 1U);
  EXPECT_EQ(host.memory.interrupts[0].second, TestHost::kVector);
  const DiskStatistics& statistics = host.disk.statistics();
  EXPECT_EQ(statistics.reads, 1U);
  EXPECT_EQ(statistics.bytes_read, 128_KiB);
  EXPECT_EQ(statistics.descriptors, 1U);
  EXPECT_EQ(statistics.interrupts, 1U);
}

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

TEST_F(DiskControllerTest, DataGoToEverySegmentBeforeTheCompletion) {
  TestHost host{"host", small_config()};
  const auto content = make_synthetic_content(64_KiB, 1);
  host.image->place(0, content, 1);
  // 64 KiB in elements of unequal sizes that cross pieces, at scattered places.
  std::vector<SgElement> segments;
  Bytes left = 64_KiB;
  std::mt19937 random{4};
  for (std::uint64_t i = 0; left > 0; ++i) {
    const Bytes size = i == 30 ? left : std::min<Bytes>(left, 4 * (1 + random() % 1024));
    segments.push_back({kData + (37 * i % 64) * 64_KiB + 4 * i, static_cast<std::uint32_t>(size), 0});
    left -= size;
  }
  drive(host, [&] {
    host.enable();
    host.put(TestHost::command(Opcode::Read, 0, 128), segments);
    host.ring();
    EXPECT_EQ(host.next_completion().status, 0);
    Bytes offset = 0;
    for (const SgElement& segment : segments) {
      ASSERT_TRUE(content->equals(offset, std::span{host.memory.bytes}.subspan(segment.address, segment.size)));
      offset += segment.size;
    }
    EXPECT_EQ(host.memory.writes.back().first, TestHost::kCompletions);
    EXPECT_EQ(host.disk.statistics().descriptors, 1 + segments.size());
  });
}

TEST_F(DiskControllerTest, WritesReachTheMediumAndAreReadBack) {
  TestHost host{"host", small_config()};
  const auto content = make_synthetic_content(256_KiB, 5);
  content->read(0, std::span{host.memory.bytes}.subspan(kData, 256_KiB));
  assign(host, kData, 256_KiB, Place::PageCache);
  assign(host, kData + 1_MiB, 256_KiB, Place::UserBuffer);
  host.ledger.declare(PhysAddr{kData}, {{0, 256_KiB, 0, 3, 1}}, 256_KiB);
  drive(host, [&] {
    host.enable();
    host.put(TestHost::command(Opcode::Write, 1000, 512), {{kData, 100'000}, {kData + 100'000, 256_KiB - 100'000}});
    host.ring();
    EXPECT_EQ(host.next_completion().status, 0);
    const Picoseconds written = TestHost::now();
    EXPECT_LT(written, 200_us) << "in the cache";
    host.put(TestHost::command(Opcode::Flush, 0, 0), {});
    host.ring();
    EXPECT_EQ(host.next_completion().status, 0);
    EXPECT_GE(TestHost::now(), 820_us) << "programmed";
    host.put(TestHost::command(Opcode::Read, 1000, 512), {{kData + 1_MiB, 256_KiB}});
    host.ring();
    EXPECT_EQ(host.next_completion().status, 0);
    EXPECT_TRUE(content->equals(0, std::span{host.memory.bytes}.subspan(kData + 1_MiB, 256_KiB)));
  });
  EXPECT_EQ(host.ledger.shadow_of(PhysAddr{kData + 1_MiB}, 256_KiB), (base::Shadow{{0, 256_KiB, 0, 3, 1}}));
  EXPECT_EQ(payload(host, Place::DiskBuffer, Place::DiskMedia, Mover::Device), 256_KiB);
  EXPECT_EQ(host.ledger.held_in(Place::DiskBuffer), 0);
  EXPECT_EQ(host.disk.statistics().writes, 1U);
  EXPECT_EQ(host.disk.statistics().flushes, 1U);
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

TEST_F(DiskControllerTest, ACommandDoesNotOvertakeOneWhoseListIsStillOnItsWay) {
  DiskConfig config = small_config();
  config.medium = MediumKind::Hdd;
  TestHost host{"host", config};
  drive(host, [&] {
    host.enable();
    for (std::uint32_t i = 0; i < 8; ++i) {  // in order on the disk; every second command has a list to be fetched
      const std::uint64_t to = kData + i * 128_KiB;
      const std::vector<SgElement> whole{{to, 128_KiB}};
      const std::vector<SgElement> halves{{to, 64_KiB}, {to + 64_KiB, 64_KiB}};
      host.put(TestHost::command(Opcode::Read, i * 256, 256, static_cast<std::uint16_t>(i + 1)),
               i % 2 == 0 ? halves : whole);
    }
    host.ring();
    for (std::uint16_t i = 0; i < 8; ++i) EXPECT_EQ(host.next_completion().command_id, i + 1);
    EXPECT_LE(TestHost::now(), transfer_time(1_MiB, ByteRate{100'000'000}) + 9_ms) << "one rotation at most";
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

TEST_F(DiskControllerTest, RingsWrapAroundManyTimes) {
  TestHost host{"host", small_config()};
  const auto content = make_synthetic_content(1_MiB, 1);
  host.image->place(0, content, 1);
  drive(host, [&] {
    host.enable(4);
    for (std::uint32_t i = 0; i < 50; i += 3) {
      for (std::uint32_t j = i; j < i + 3; ++j) {
        host.put(TestHost::command(Opcode::Read, j * 8, 8, static_cast<std::uint16_t>(j)),
                 {{kData + j * 4_KiB, 4_KiB}});
      }
      host.ring();
      for (std::uint32_t j = i; j < i + 3; ++j) EXPECT_EQ(host.next_completion().status, 0);
      host.return_completions();
    }
    EXPECT_TRUE(content->equals(0, std::span{host.memory.bytes}.subspan(kData, 50 * 4_KiB)));
  });
  EXPECT_EQ(host.disk.statistics().reads, 51U);
}

TEST_F(DiskControllerTest, AFullCompletionRingHoldsCompletionsBack) {
  TestHost host{"host", small_config()};
  drive(host, [&] {
    host.enable(4);
    for (int round = 0; round < 2; ++round) {
      for (std::uint32_t i = 0; i < 3; ++i) host.put(TestHost::command(Opcode::Read, 0, 8), {{kData, 4_KiB}});
      host.ring();
      sc_core::wait(1, sc_core::SC_MS);
    }
    EXPECT_EQ(host.disk.statistics().reads, 6U);
    EXPECT_EQ(host.disk.statistics().interrupts, 3U) << "three entries of four are in use";
    for (int i = 0; i < 3; ++i) host.next_completion();
    host.return_completions();
    for (int i = 0; i < 3; ++i) host.next_completion();
  });
}

TEST_F(DiskControllerTest, IllegalCommandsGetAStatusAndTheNextOneWorks) {
  TestHost host{"host", small_config()};
  drive(host, [&] {
    host.enable();
    const auto status_of = [&](const Command& command, const std::vector<SgElement>& segments) {
      host.put(command, segments);
      host.ring();
      return static_cast<Status>(host.next_completion().status);
    };
    Command unknown = TestHost::command(Opcode::Read, 0, 8);
    unknown.opcode = 77;
    EXPECT_EQ(status_of(unknown, {{kData, 4096}}), Status::InvalidOpcode);
    EXPECT_EQ(status_of(TestHost::command(Opcode::Read, 2 * 1024 * 1024, 8), {{kData, 4096}}), Status::OutOfRange);
    EXPECT_EQ(status_of(TestHost::command(Opcode::Read, 0, 8), {{kData, 4092}}), Status::InvalidSegments);
    EXPECT_EQ(status_of(TestHost::command(Opcode::Read, 0, 8), {{kData, 2048}, {kData, 0}}), Status::InvalidSegments);
    EXPECT_EQ(status_of(TestHost::command(Opcode::Read, 0, 8), {{1_GiB, 4096}}), Status::DmaError);
    EXPECT_EQ(status_of(TestHost::command(Opcode::Write, 0, 8), {{1_GiB, 4096}}), Status::DmaError);
    EXPECT_EQ(status_of(TestHost::command(Opcode::Read, 0, 8), {{kData, 4096}}), Status::Success);
  });
  EXPECT_EQ(host.disk.statistics().failed, 6U);
  EXPECT_EQ(host.ledger.held_in(Place::DiskBuffer), 0);
}

TEST_F(DiskControllerTest, AReadIsRefusedWhereItsTargetCannotHoldTheData) {
  TestHost host{"host", small_config()};
  drive(host, [&] {
    host.enable(64);
    const auto status_of = [&](Opcode opcode, const std::vector<SgElement>& segments) {
      host.put(TestHost::command(opcode, 0, 8), segments);
      host.ring();
      return static_cast<Status>(host.next_completion().status);
    };
    EXPECT_EQ(status_of(Opcode::Read, {{kData + 1, 4096}}), Status::InvalidSegments) << "odd address";
    EXPECT_EQ(status_of(Opcode::Write, {{kData + 1, 4096}}), Status::InvalidSegments);
    EXPECT_EQ(status_of(Opcode::Read, {{kData, 2048}, {kData + 2044, 2048}}), Status::InvalidSegments) << "overlap";
    EXPECT_EQ(status_of(Opcode::Write, {{kData, 2048}, {kData, 2048}}), Status::Success) << "one source twice";
    EXPECT_EQ(status_of(Opcode::Read, {{TestHost::kCompletions, 4096}}), Status::InvalidSegments);
    EXPECT_EQ(status_of(Opcode::Read, {{kData, 2048}, {TestHost::kSubmissions + 64, 2048}}), Status::InvalidSegments);
    EXPECT_EQ(status_of(Opcode::Read, {{TestHost::kCompletions + 64 * sizeof(CompletionEntry), 4096}}), Status::Success)
        << "just behind the ring";
  });
}

TEST_F(DiskControllerTest, ACommandIdThatIsUnderWayIsAConflictAndTheFirstCommandGoesOn) {
  TestHost host{"host", small_config()};
  drive(host, [&] {
    host.enable();
    host.put(TestHost::command(Opcode::Read, 0, 8, 7), {{kData, 4096}});
    host.put(TestHost::command(Opcode::Read, 8, 8, 7), {{kData + 4096, 4096}});
    host.ring();
    std::vector<Status> statuses;
    for (int i = 0; i < 2; ++i) {
      const CompletionEntry entry = host.next_completion();
      EXPECT_EQ(entry.command_id, 7);
      statuses.push_back(static_cast<Status>(entry.status));
    }
    EXPECT_THAT(statuses, testing::UnorderedElementsAre(Status::CommandIdConflict, Status::Success));
    host.put(TestHost::command(Opcode::Read, 0, 8, 7), {{kData, 4096}});
    host.ring();
    EXPECT_EQ(host.next_completion().status, 0) << "a completed command's id is free";
  });
  EXPECT_EQ(host.disk.statistics().failed, 1U);
}

TEST_F(DiskControllerTest, ADmaErrorInTheMiddleDropsWhatTheBufferHeld) {
  DiskConfig config = small_config();
  config.buffer_size = 64_KiB;
  TestHost host{"host", config};
  host.image->place(0, make_synthetic_content(1_MiB, 1), 1);
  assign(host, kData, 1_MiB, Place::PageCache);
  drive(host, [&] {
    host.enable();
    for (int i = 0; i < 20; ++i) {  // more than the buffer holds, so that lost room would show
      host.put(TestHost::command(Opcode::Read, 0, 256), {{kData, 40'960}, {1_GiB, 32'768}, {kData + 40'960, 57'344}});
    }
    host.put(TestHost::command(Opcode::Read, 0, 256, 1), {{kData, 128_KiB}});
    host.ring();
    for (int i = 0; i < 21; ++i) {
      const CompletionEntry entry = host.next_completion();
      const Status expected = entry.command_id == 1 ? Status::Success : Status::DmaError;
      EXPECT_EQ(static_cast<Status>(entry.status), expected);
    }
  });
  EXPECT_EQ(host.ledger.held_in(Place::DiskBuffer), 0);
}

TEST_F(DiskControllerTest, ResetInMidTransferAbortsAndTheControllerStartsAnew) {
  TestHost host{"host", small_config()};
  const auto content = make_synthetic_content(8_MiB, 1);
  host.image->place(0, content, 1);
  host.ledger.declare(PhysAddr{kData}, {{0, 1_MiB, 0, 2, 0}}, 1_MiB);
  assign(host, kData, 16_MiB, Place::PageCache);
  drive(host, [&] {
    host.enable();
    for (std::uint32_t i = 0; i < 16; ++i) {
      host.put(TestHost::command(i % 2 == 0 ? Opcode::Read : Opcode::Write, 8192 + i * 256, 256),
               {{kData + i * 128_KiB, 128_KiB}});
    }
    host.ring();
    sc_core::wait(10, sc_core::SC_US);  // writes are on their way from memory
    EXPECT_GT(host.ledger.held_in(Place::DiskBuffer), 0);
    host.write(reg::kControl, control::kReset);
    EXPECT_EQ(host.read(reg::kStatus), 0U);
    EXPECT_EQ(host.read(reg::kSqSize), 0U);
    EXPECT_EQ(host.ledger.held_in(Place::DiskBuffer), 0);
    const std::size_t writes = host.memory.writes.size();
    sc_core::wait(5, sc_core::SC_MS);
    EXPECT_EQ(host.memory.writes.size(), writes) << "nothing of the old commands comes after the reset";
    EXPECT_THAT(host.memory.interrupts, IsEmpty());

    host.enable();
    host.put(TestHost::command(Opcode::Read, 0, 256), {{kData, 128_KiB}});
    host.ring();
    EXPECT_EQ(host.next_completion().status, 0);
    EXPECT_TRUE(content->equals(0, std::span{host.memory.bytes}.subspan(kData, 128_KiB)));
  });
  EXPECT_EQ(host.disk.statistics().resets, 1U);
}

TEST_F(DiskControllerTest, BadRingsAreFatalUntilReset) {
  TestHost host{"host", small_config()};
  drive(host, [&] {
    host.enable(48);
    EXPECT_EQ(host.read(reg::kStatus), status::kFatal);
    host.ring();
    EXPECT_EQ(host.read(reg::kIgnoredDoorbells), 1U);
    host.write(reg::kControl, control::kReset);
    host.enable(64);
    EXPECT_EQ(host.read(reg::kStatus), status::kReady);
    host.write(reg::kSqBase, 0);
    EXPECT_EQ(host.read(reg::kSqBase), TestHost::kSubmissions) << "not while enabled";
    host.write(reg::kSqTail, 64);
    EXPECT_EQ(host.read(reg::kIgnoredDoorbells), 1U);
    EXPECT_EQ(host.disk.statistics().ignored_doorbells, 2U) << "of the resets before as well";

    host.write(reg::kControl, control::kReset);
    host.write(reg::kSqBase, 1_GiB);
    host.write(reg::kSqSize, 4);
    host.write(reg::kCqSize, 4);
    host.write(reg::kControl, control::kEnable);
    host.write(reg::kSqTail, 1);
    sc_core::wait(1, sc_core::SC_MS);
    EXPECT_EQ(host.read(reg::kStatus), status::kFatal) << "the ring does not answer";
  });
}

TEST_F(DiskControllerTest, RegistersTellTheLimits) {
  TestHost host{"host", small_config()};
  drive(host, [&] {
    EXPECT_EQ(host.read(reg::kCapacity), 2'097'152U);
    EXPECT_EQ(host.read(reg::kQueueDepth), 256U);
    EXPECT_EQ(host.read(reg::kMaxTransfer), 1_MiB);
    EXPECT_EQ(host.read(reg::kMaxSegments), 127U);
    EXPECT_EQ(host.last_response, tlm::TLM_OK_RESPONSE);
    host.read({0x04, 4, "a hole"});
    EXPECT_NE(host.last_response, tlm::TLM_OK_RESPONSE);
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

TEST_F(DiskControllerTest, AMaskedInterruptComesWhenItIsUnmasked) {
  TestHost host{"host", small_config()};
  drive(host, [&] {
    host.enable();
    host.write(reg::kInterruptMask, 1);
    host.put(TestHost::command(Opcode::Read, 0, 8), {{kData, 4096}});
    host.ring();
    sc_core::wait(1, sc_core::SC_MS);
    EXPECT_THAT(host.memory.interrupts, IsEmpty());
    host.write(reg::kInterruptMask, 0);
    host.next_completion();
    sc_core::wait(host.memory.interrupted);
    EXPECT_EQ(host.memory.interrupts.size(), 1U);
  });
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

TEST_F(DiskControllerTest, RandomCommandsMoveTheRightBytes) {
  constexpr unsigned kSeed = 11;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random{kSeed};
  constexpr Bytes kRegion = 1_MiB;  // each command of a batch has its own region of the disk and of memory
  constexpr unsigned kBatch = 8;
  DiskConfig config = small_config();
  config.piece_size = 8_KiB;
  config.buffer_size = 64_KiB;
  config.queue_depth = 5;
  TestHost host{"host", config};
  std::vector<std::byte> on_disk(kBatch * kRegion);
  const auto content = make_synthetic_content(5 * kRegion + 1234, 1);
  host.image->place(kRegion, content, 1);
  content->read(0, std::span{on_disk}.subspan(kRegion, content->size()));
  assign(host, kData, 2 * kBatch * kRegion, Place::PageCache);
  drive(host, [&] {
    host.enable(16);
    for (int round = 0; round < 60; ++round) {
      struct Expected {
        Bytes disk_offset;
        std::vector<SgElement> segments;
      };
      std::vector<Expected> batch;
      for (unsigned i = 0; i < kBatch; ++i) {
        const auto blocks = static_cast<std::uint32_t>(1 + random() % 600);
        const std::uint64_t first = i * (kRegion / kBlockSize) + random() % (kRegion / kBlockSize - blocks);
        std::vector<SgElement> segments;
        std::uint64_t address = kData + i * 2 * kRegion + 4 * (random() % 100);
        for (Bytes left = blocks * kBlockSize; left > 0;) {
          Bytes size = std::min<Bytes>(left, 4 * (1 + random() % 3000));
          if (segments.size() == 126) size = left;
          segments.push_back({address, static_cast<std::uint32_t>(size), 0});
          address += size + 4 * (random() % 5);
          left -= size;
        }
        batch.push_back({first * kBlockSize, segments});
        const bool is_write = random() % 3 == 0;
        if (is_write) {
          Bytes offset = batch.back().disk_offset;
          for (const SgElement& segment : segments) {
            for (Bytes b = 0; b < segment.size; ++b) {
              const auto value = static_cast<std::byte>(random());
              host.memory.bytes[segment.address + b] = value;
              on_disk[offset++] = value;
            }
          }
        }
        host.put(TestHost::command(is_write ? Opcode::Write : Opcode::Read, first, blocks), segments);
      }
      host.ring();
      for (unsigned i = 0; i < kBatch; ++i) ASSERT_EQ(host.next_completion().status, 0);
      host.return_completions();
      for (const Expected& expected : batch) {  // after a write, too, memory and disk are alike
        Bytes offset = expected.disk_offset;
        for (const SgElement& segment : expected.segments) {
          ASSERT_TRUE(std::equal(on_disk.begin() + static_cast<long>(offset),
                                 on_disk.begin() + static_cast<long>(offset + segment.size),
                                 host.memory.bytes.begin() + static_cast<long>(segment.address)))
              << "round " << round;
          offset += segment.size;
        }
      }
    }
    std::vector<std::byte> image(on_disk.size());
    host.image->read(0, image);
    EXPECT_TRUE(image == on_disk);
  });
  EXPECT_EQ(host.ledger.held_in(Place::DiskBuffer), 0);
  EXPECT_EQ(host.disk.statistics().most_active, 5U);
}

}  // namespace
}  // namespace sluice::disk
