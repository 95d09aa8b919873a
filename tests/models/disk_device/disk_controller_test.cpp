// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <random>

#include "tests/models/disk_device/driven_disk.h"

namespace sluice::disk {
namespace {

using base::make_synthetic_content;
using testing::IsEmpty;

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
