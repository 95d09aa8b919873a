// SPDX-License-Identifier: Apache-2.0
// DMA through link and root complex to a memory, against times added up by hand (see test_machine.h).
#include <array>
#include <random>

#include "models/base/result.h"
#include "tests/models/interconnect_device/test_machine.h"

namespace sluice::interconnect {
namespace {

using DmaTimes = MachineTest;

TEST_F(DmaTimes, TheLinkRunsAtTheRateAddedUpByHand) {
  EXPECT_EQ(machine.link.arithmetic().rate().value(), kTlpRate.value());
  EXPECT_EQ(wire(88).count(), 88'231);  // 704 b / 7.979071687 Gb/s, rounded up
  run();
}

TEST_F(DmaTimes, AWriteOfOneTlp) {
  thread([this] {  // 64 + 24 B, link, root complex, memory
    EXPECT_EQ(write(0, 64, 0_ns).done, wire(88) + kLink + kRoute + 10_ns);
  });
  run();
}

TEST_F(DmaTimes, ALongWriteStreamsIntoMemory) {
  thread([this] {  // 16 TLPs of 280 B; memory takes them as they come
    EXPECT_EQ(write(0, 4096, 1_us).done, 1_us + wire(16 * 280) + kLink + kRoute);
  });
  run();
  EXPECT_EQ(machine.memory.arrived, (std::vector{1_us + wire(280) + kLink + kRoute}));
}

TEST_F(DmaTimes, AnUnalignedWriteTakesOneTlpMore) {
  thread([this] {  // 64, 15 x 256, 192 bytes
    EXPECT_EQ(write(192, 4096, 0_ns).done, wire(4096 + 17 * 24) + kLink + kRoute);
  });
  run();
  EXPECT_EQ(machine.memory.arrived, (std::vector{wire(64 + 24) + kLink + kRoute}));
}

TEST_F(DmaTimes, AWriteToASlowMemoryIsDoneWhenMemoryIs) {
  machine.memory.write_latency = 20_us;
  thread([this] { EXPECT_EQ(write(0, 4096, 0_ns).done, wire(280) + kLink + kRoute + 20_us); });
  run();
}

TEST_F(DmaTimes, AReadOfOneTlpIsOneRoundTrip) {
  thread([this] {  // request 24 B there, 50 ns and 4 ns in memory, completion 84 B back
    EXPECT_EQ(read(0, 64, 0_ns).done, wire(24) + kLink + kRoute + 54_ns + kRoute + wire(84) + kLink);
  });
  run();
}

TEST_F(DmaTimes, ALongReadStreamsFromTheFirstData) {
  thread([this] {  // 8 requests, the first starts memory; 16 completions of 276 B from the first 256 B (16 ns) on
    const Picoseconds first_data = wire(24) + kLink + kRoute + 50_ns + 16_ns + kRoute;
    EXPECT_EQ(read(0, 4096, 0_ns).done, first_data + wire(16 * 276) + kLink);
  });
  run();
}

TEST_F(DmaTimes, AReadFromASlowMemoryEndsWithItsLastTlp) {
  machine.memory.rate = ByteRate{250'000'000};  // 4 ns per byte
  thread([this] {
    const Picoseconds all_data = wire(24) + kLink + kRoute + 50_ns + 4_ns * 4096 + kRoute;
    EXPECT_EQ(read(0, 4096, 0_ns).done, all_data + wire(276) + kLink);
  });
  run();
}

TEST_F(DmaTimes, WritesFollowEachOtherOnTheLink) {
  thread([this] {
    (void)write(0, 4096, 0_ns);
    EXPECT_EQ(write(4096, 64, 0_ns).done, wire(4480) + wire(88) + kLink + kRoute + 10_ns);
  });
  run();
}

TEST_F(DmaTimes, ReadDataAndWrittenDataDoNotShareADirection) {
  thread([this] {
    const Picoseconds alone = wire(24) + kLink + kRoute * 2 + 66_ns + wire(4416) + kLink;
    EXPECT_EQ(read(0, 4096, 0_ns).done, alone);
    EXPECT_EQ(write(8192, 4096, 0_ns).done, wire(8 * 24) + wire(4480) + kLink + kRoute);  // behind the requests
  });
  run();
}

TEST_F(DmaTimes, AReadDoesNotPassAWriteOnTheLink) {
  thread([this] {
    (void)write(0, 4096, 0_ns);
    EXPECT_EQ(read(0, 64, 0_ns).done, wire(4480) + wire(24) + kLink + kRoute + 54_ns + kRoute + wire(84) + kLink);
  });
  run();
}

TEST_F(DmaTimes, AReadDoesNotPassAWriteInASlowMemory) {
  machine.memory.write_latency = 20_us;
  thread([this] {
    const Picoseconds visible = write(0, 64, 0_ns).done;
    EXPECT_EQ(read(0, 64, 0_ns).done, visible + 54_ns + kRoute + wire(84) + kLink);
  });
  run();
}

TEST_F(DmaTimes, WritesBecomeVisibleInOrder) {
  machine.memory.write_latency = 20_us;
  thread([this] {
    const Picoseconds first = write(0, 64, 0_ns).done;
    machine.memory.write_latency = 1_ns;
    EXPECT_EQ(write(64, 16, 0_ns).done, first);
  });
  run();
}

TEST_F(DmaTimes, AMessageArrivesAfterTheDataThatItAnnounces) {
  thread([this] {
    const Picoseconds data = write(0, 4096, 0_ns).done;
    const Picoseconds completion = write(8192, 16, 0_ns, Place::KernelMemory).done;
    EXPECT_GE(completion, data);
    EXPECT_EQ(message(5, 0_ns).done, wire(4480) + wire(40) + wire(28) + kLink + kRoute);
  });
  run();
  EXPECT_EQ(machine.interrupts.addresses, (std::vector{fabric::msi_address(5).value()}));
  EXPECT_GE(machine.interrupts.arrived.at(0), machine.memory.arrived.at(1) + 10_ns);
}

TEST_F(DmaTimes, AMessageWaitsForDataThatASlowMemoryStillTakes) {
  machine.memory.write_latency = 20_us;
  thread([this] {
    const Picoseconds data = write(0, 64, 0_ns).done;
    EXPECT_EQ(message(5, 0_ns).done, data);
  });
  run();
}

TEST_F(DmaTimes, AStreamOfWritesReachesThePublishedGoodput) {
  thread([this] {
    Picoseconds done;
    for (unsigned i = 0; i < 1000; ++i) done = write(0, 64_KiB, 0_ns).done;
    const double seconds = static_cast<double>(done.count()) * 1e-12;
    const double goodput = static_cast<double>(machine.link.arithmetic().write_goodput(64_KiB).value());
    EXPECT_NEAR(1000.0 * 65536 * 8 / seconds, goodput, goodput * 1e-3);
  });
  run();
}

TEST_F(DmaTimes, AStreamOfReadsReachesThePublishedGoodput) {
  thread([this] {
    Picoseconds done;
    for (unsigned i = 0; i < 1000; ++i) done = read(0, 64_KiB, 0_ns).done;
    const double seconds = static_cast<double>(done.count()) * 1e-12;
    const double goodput = static_cast<double>(machine.link.arithmetic().read_goodput(64_KiB).value());
    EXPECT_NEAR(1000.0 * 65536 * 8 / seconds, goodput, goodput * 1e-3);
  });
  run();
}

PcieLinkConfig with_tags(unsigned tags) {
  PcieLinkConfig config = slow_link();
  config.tags = tags;
  return config;
}
struct OneTag : MachineTest {
  OneTag() : MachineTest(with_tags(1)) {}
};
struct FourTags : MachineTest {
  FourTags() : MachineTest(with_tags(4)) {}
};
// A request of 512 B by itself: 24 B there, the first 256 B after 50 + 16 ns, completions of 2 x 276 B.
constexpr Picoseconds kRoundTrip = wire(24) + kLink + kRoute + 66_ns + kRoute + wire(552) + kLink;

TEST_F(OneTag, MakesEachRequestWaitForTheLast) {
  thread([this] { EXPECT_EQ(read(0, 4096, 0_ns).done, kRoundTrip * 8); });
  run();
}

TEST_F(OneTag, IsSharedByTransfers) {
  thread([this] {
    (void)read(0, 512, 0_ns);
    EXPECT_NEAR(static_cast<double>(read(512, 512, 0_ns).done.count()), static_cast<double>((kRoundTrip * 2).count()),
                32'000.0 + 1);  // memory hands over 512 B in 32 ns
  });
  run();
}

TEST_F(OneTag, HoldsBackTheNextRequest) {
  thread([this] {
    (void)read(0, 512, 0_ns);
    (void)read(512, 512, 0_ns);
  });
  run();
  EXPECT_EQ(machine.memory.arrived, (std::vector{wire(24) + kLink + kRoute, kRoundTrip + wire(24) + kLink + kRoute}));
}

TEST_F(FourTags, ReachTagsTimesRequestSizePerRoundTrip) {
  machine.memory.read_latency = 10_us;
  thread([this] {
    Picoseconds done;
    for (unsigned i = 0; i < 100; ++i) done = read(0, 4096, 0_ns).done;
    const Picoseconds round_trip = kRoundTrip - 66_ns + 16_ns + 10_us;
    const double limit = static_cast<double>(latency_bound_read_rate(4, 512, round_trip).value());
    EXPECT_NEAR(100.0 * 4096 * 8 / (static_cast<double>(done.count()) * 1e-12), limit, limit * 0.02);
  });
  run();
}

TEST_F(FourTags, LeaveSmallReadsOfAnIdleLinkAlone) {
  thread([this] {  // four requests may be out at once: only the wire separates them
    Picoseconds last = read(0, 64, 0_ns).done;
    for (unsigned i = 1; i < 4; ++i) {
      const Picoseconds done = read(64 * i, 64, 0_ns).done;
      EXPECT_EQ(done - last, wire(84));
      last = done;
    }
  });
  run();
}

TEST_F(DmaTimes, RandomTransfersKeepBytesOrderAndAccounts) {
  const unsigned seed = 20260;
  SCOPED_TRACE("seed " + std::to_string(seed));
  thread([this] {
    std::mt19937 random{seed};
    const auto up_to = [&random](std::int64_t n) { return static_cast<std::int64_t>(random()) % n; };
    std::vector<std::byte> model(TestMachine::kMemory);
    std::array<Picoseconds, 2> last{};
    Bytes up = 0;
    Bytes down = 0;
    for (unsigned i = 0; i < 2000; ++i) {
      const Bytes size = 1 + random() % (1U << random() % 17);
      const std::uint64_t address = random() % (TestMachine::kMemory - size);
      const Picoseconds at = fabric::to_picoseconds(sc_core::sc_time_stamp()) + Picoseconds{up_to(1'000'000)};
      std::vector<std::byte> data(size);
      const bool is_write = random() % 2 == 0;
      if (is_write) {
        for (std::byte& byte : data) byte = static_cast<std::byte>(random());
        std::copy(data.begin(), data.end(), model.begin() + static_cast<std::ptrdiff_t>(address));
      }
      const auto done = is_write ? machine.device.dma.write(BusAddr{address}, data, at, Place::DiskBuffer)
                                 : machine.device.dma.read(BusAddr{address}, data, at, Place::NicFifo);
      (is_write ? up : down) += size;
      ASSERT_TRUE(done.ok());
      ASSERT_GE(done.done, at + wire(size) + kLink) << "faster than the wire";
      ASSERT_GE(done.done, last.at(is_write ? 0 : 1));
      last.at(is_write ? 0 : 1) = done.done;
      ASSERT_TRUE(std::equal(data.begin(), data.end(), model.begin() + static_cast<std::ptrdiff_t>(address)));
      if (random() % 8 == 0) sc_core::wait(fabric::to_sc_time(Picoseconds{up_to(100'000'000)}));
    }
    EXPECT_EQ(machine.link.upstream().payload, up);
    EXPECT_EQ(machine.link.downstream().payload, down);
    EXPECT_EQ(machine.root.statistics().dma_written, up);
    EXPECT_EQ(machine.root.statistics().dma_read, down);
    for (const auto* direction : {&machine.link.upstream(), &machine.link.downstream()}) {
      const Picoseconds busy = direction->timeline.busy_until(direction->timeline.free_at());
      EXPECT_LE(busy, direction->timeline.free_at());
      EXPECT_GE(busy, wire(direction->wire));
    }
  });
  run();
}

TEST(PcieLink, RefusesALinkThatCannotExist) {
  PcieLinkConfig config;
  config.lanes = 5;
  EXPECT_THROW((PcieLink{"link", config}), base::InputError);
}

}  // namespace
}  // namespace sluice::interconnect
