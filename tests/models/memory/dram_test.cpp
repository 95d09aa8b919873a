// SPDX-License-Identifier: Apache-2.0
#include "models/memory/dram.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

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

/// Content number `file`, all of it.
base::NamedBytes named(const base::Contents& contents, std::uint32_t file, Bytes offset, Bytes size) {
  return {{{0, size, offset, file, 0}}, &contents};
}

struct DramWithContents : testing::Test {
  DramWithContents() {
    contents.add(0, base::make_synthetic_content(1_MiB, 1));
    contents.add(1, base::make_synthetic_content(1_MiB, 2));
  }
  base::Contents contents;
  Dram dram{ten_gigabytes()};
  base::NamedBytes run;
};

TEST_F(DramWithContents, KeepsPayloadByNameUntilSomebodyLooks) {
  dram.put(PhysAddr{0x1000}, 2 * kPageSize, named(contents, 0, 100, 2 * kPageSize));
  ASSERT_TRUE(dram.named(PhysAddr{0x1800}, kPageSize, run));
  EXPECT_EQ(run.pieces, (base::Shadow{{0, kPageSize, 100 + 0x800, 0, 0}}));

  EXPECT_TRUE(contents.of(0).equals(100 + 0x800, dram.at(PhysAddr{0x1800}, 16)));
  EXPECT_FALSE(dram.named(PhysAddr{0x1800}, kPageSize, run)) << "some of it was made";
  EXPECT_TRUE(run.empty());
  EXPECT_TRUE(dram.named(PhysAddr{0x1810}, kPageSize, run));
}

TEST_F(DramWithContents, ACopyOfNamedBytesIsNamedAndWhatIsWrittenIsNot) {
  dram.put(PhysAddr{0x1000}, kPageSize, named(contents, 1, 0, kPageSize));
  dram.copy(PhysAddr{0x1000}, PhysAddr{0x5800}, kPageSize);
  ASSERT_TRUE(dram.named(PhysAddr{0x5800}, kPageSize, run));
  dram.to_overwrite(PhysAddr{0x5900}, 1)[0] = std::byte{7};
  EXPECT_FALSE(dram.named(PhysAddr{0x5800}, kPageSize, run));
  const auto bytes = dram.at(PhysAddr{0x5800}, kPageSize);
  EXPECT_TRUE(contents.of(1).equals(0, bytes.first(0x100)));
  EXPECT_EQ(bytes[0x100], std::byte{7});
  EXPECT_TRUE(contents.of(1).equals(0x101, bytes.subspan(0x101)));
}

TEST_F(DramWithContents, BytesByNameAreTheBytesOfAPlainMemory) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random{seed};
  const auto below = [&](Bytes end) { return std::uniform_int_distribution<Bytes>{0, end - 1}(random); };
  constexpr Bytes kUsed = 16 * kPageSize;
  std::vector<std::byte> plain(kUsed);
  for (int step = 0; step < 20'000; ++step) {
    const Bytes size = 1 + below(below(4) == 0 ? 3 * kPageSize : 600);
    const Bytes at = below(kUsed - size);
    const Bytes from = below(kUsed - size);
    const Bytes offset = below(1_MiB - size);
    const auto file = static_cast<std::uint32_t>(below(2));
    switch (below(5)) {
      case 0:
        dram.put(PhysAddr{at}, size, named(contents, file, offset, size));
        contents.of(file).read(offset, std::span{plain}.subspan(at, size));
        break;
      case 1:
        dram.copy(PhysAddr{from}, PhysAddr{at}, size);
        std::memmove(plain.data() + at, plain.data() + from, size);
        break;
      case 2:
        std::ranges::fill(dram.to_overwrite(PhysAddr{at}, size), static_cast<std::byte>(step));
        std::fill_n(plain.begin() + static_cast<std::ptrdiff_t>(at), size, static_cast<std::byte>(step));
        break;
      case 3:
        if (!dram.named(PhysAddr{at}, size, run)) break;
        for (const base::ShadowPiece& piece : run.pieces) {
          ASSERT_TRUE(contents.of(piece.file).equals(piece.offset, std::span{plain}.subspan(at + piece.at, piece.size)))
              << "step " << step;
        }
        break;
      default:
        ASSERT_TRUE(std::ranges::equal(dram.at(PhysAddr{at}, size), std::span{plain}.subspan(at, size)))
            << "step " << step;
    }
  }
  EXPECT_TRUE(std::ranges::equal(dram.at(PhysAddr{0}, kUsed), plain));
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
  const base::ParameterTable table{config};
  for (const char* name : {"size", "bandwidth", "efficiency", "latency", "write_buffer"}) {
    ASSERT_TRUE(table.find(name)) << name;
    EXPECT_TRUE(table.find(name)->set(table.find(name)->get())) << name << " accepts its own text";
  }
}

}  // namespace
}  // namespace sluice::memory
