// SPDX-License-Identifier: Apache-2.0
// Merging and splitting of I/O at the limits of the device, and its queue depth.
#include "kernel_sim/block/request_queue.h"

#include <random>

#include <gtest/gtest.h>

#include "tests/support/fake_machine.h"

namespace sluice::block {
namespace {

/// Finishes requests only when told to.
class ManualDevice final : public BlockDevice {
 public:
  [[nodiscard]] DeviceLimits limits() const override { return m_limits; }
  void start(Request& request) override {
    EXPECT_LE(request.segments.size(), m_limits.max_segments);
    EXPECT_LE(request.sectors * kSectorSize, m_limits.max_transfer);
    Bytes size = 0;
    for (const auto& segment : request.segments) size += segment.size;
    EXPECT_EQ(size, request.sectors * kSectorSize);
    in_flight.push_back(&request);
    EXPECT_LE(in_flight.size(), m_limits.queue_depth);
    started.emplace_back(request.first_sector, request.sectors, request.segments.size());
  }
  void commit() override { ++commits; }
  void finish_first(bool success = true) {
    Request* request = in_flight.front();
    in_flight.erase(in_flight.begin());
    request->listener->request_finished(*request, success);
  }

  DeviceLimits m_limits{1_GiB, 64_KiB, 8, 2};
  std::vector<Request*> in_flight;
  std::vector<std::tuple<std::uint64_t, std::uint64_t, std::size_t>> started;  // first sector, sectors, segments
  unsigned commits = 0;
};

class TestBio final : public Bio {
 public:
  TestBio(std::vector<std::string>& log, std::string name, Direction direction, std::uint64_t sector)
      : Bio(direction, sector), m_log(log), m_name(std::move(name)) {}
  void finished(bool success) override { m_log.push_back(m_name + (success ? "" : " failed")); }

 private:
  std::vector<std::string>& m_log;
  std::string m_name;
};

struct Rig {
  Rig() : machine(fake.machine()), queue(machine, device, config) {}
  void run(std::function<void()> body) { fake.run("task", std::move(body)); }
  /// A bio of pages that are `stride` pages apart in memory.
  std::unique_ptr<Bio> bio(std::string name, std::uint64_t sector, unsigned pages, unsigned stride = 2,
                           Direction direction = Direction::Read) {
    auto made = std::make_unique<TestBio>(log, std::move(name), direction, sector);
    for (unsigned i = 0; i < pages; ++i) {
      made->add(PhysAddr{next_memory}, kPageSize);
      next_memory += stride * kPageSize;
    }
    return made;
  }
  tests::FakeMachine fake{1_MiB};
  hal::Machine machine;
  ManualDevice device;
  BlockConfig config;
  RequestQueue queue;
  std::vector<std::string> log;
  std::uint64_t next_memory = 0;
};

using Started = std::vector<std::tuple<std::uint64_t, std::uint64_t, std::size_t>>;

TEST(RequestQueue, NeighboursOfOnePlugBecomeOneRequestInWhateverOrderTheyCame) {
  Rig rig;
  rig.run([&] {
    Plug plug{rig.queue};
    plug.add(rig.bio("b", 108, 1));
    plug.add(rig.bio("a", 100, 1));
    plug.add(rig.bio("far", 500, 1));
    plug.flush();
    EXPECT_EQ(rig.device.started, (Started{{100, 16, 2}, {500, 8, 1}}));
    EXPECT_EQ(rig.device.commits, 1U);
    EXPECT_EQ(rig.queue.statistics().merged_bios, 1U);
    rig.device.finish_first();
    EXPECT_EQ(rig.log, (std::vector<std::string>{"a", "b"}));
    rig.device.finish_first();
  });
}

TEST(RequestQueue, PhysicalNeighboursAreOneSegment) {
  Rig rig;
  rig.run([&] {
    Plug plug{rig.queue};
    plug.add(rig.bio("a", 100, 4, 1));
    plug.add(rig.bio("b", 132, 4, 1));
    plug.flush();
    EXPECT_EQ(rig.device.started, (Started{{100, 64, 1}}));
    rig.device.finish_first();
  });
}

TEST(RequestQueue, SplitsAtTheNumberOfSegmentsAndAtTheSize) {
  Rig rig;
  rig.device.m_limits.queue_depth = 100;
  rig.queue.refresh_limits();
  rig.run([&] {
    Plug plug{rig.queue};
    plug.add(rig.bio("scattered", 0, 20));
    plug.flush();
    EXPECT_EQ(rig.device.started, (Started{{0, 64, 8}, {64, 64, 8}, {128, 32, 4}}));
    rig.device.started.clear();
    plug.add(rig.bio("large", 1000, 40, 1));  // 160 KiB in one segment; 64 KiB at most
    plug.flush();
    EXPECT_EQ(rig.device.started, (Started{{1000, 128, 1}, {1128, 128, 1}, {1256, 64, 1}}));
    while (!rig.device.in_flight.empty()) rig.device.finish_first();
    EXPECT_EQ(rig.log, (std::vector<std::string>{"scattered", "large"}));
  });
}

TEST(RequestQueue, KeepsTheDeviceFullButNotFuller) {
  Rig rig;
  rig.run([&] {
    Plug plug{rig.queue};
    for (unsigned i = 0; i < 5; ++i) plug.add(rig.bio(std::to_string(i), 1000 * i, 1));
    plug.flush();
    EXPECT_EQ(rig.device.started.size(), 2U);
    rig.device.finish_first();
    EXPECT_EQ(rig.device.started.size(), 3U);
    while (!rig.device.in_flight.empty()) rig.device.finish_first();
    EXPECT_EQ(rig.log, (std::vector<std::string>{"0", "1", "2", "3", "4"}));
  });
}

TEST(RequestQueue, WaitingRequestsStillMerge) {
  Rig rig;
  rig.run([&] {
    for (unsigned i = 0; i < 4; ++i) {
      Plug plug{rig.queue};
      plug.add(rig.bio(std::to_string(i), i < 2 ? 1000 * i : 5000 + 8 * i, 1));
      plug.flush();
    }
    while (!rig.device.in_flight.empty()) rig.device.finish_first();
    EXPECT_EQ(rig.device.started, (Started{{0, 8, 1}, {1000, 8, 1}, {5016, 16, 2}}));
  });
}

TEST(RequestQueue, ReadsAndWritesDoNotMergeAndAFlushStaysBehind) {
  Rig rig;
  rig.device.m_limits.queue_depth = 10;
  rig.queue.refresh_limits();
  rig.run([&] {
    Plug plug{rig.queue};
    plug.add(rig.bio("write", 8, 1, 2, Direction::Write));
    plug.add(rig.bio("flush", 0, 0, 2, Direction::Flush));
    plug.add(rig.bio("read", 16, 1));
    plug.flush();
    EXPECT_EQ(rig.device.started, (Started{{8, 8, 1}, {0, 0, 0}, {16, 8, 1}}));
    while (!rig.device.in_flight.empty()) rig.device.finish_first();
  });
}

TEST(RequestQueue, AFailureReachesEveryBioOfTheRequestAndNoOther) {
  Rig rig;
  rig.run([&] {
    Plug plug{rig.queue};
    plug.add(rig.bio("a", 0, 1));
    plug.add(rig.bio("b", 8, 10));  // goes on in a second request
    plug.add(rig.bio("c", 500, 1));
    plug.flush();
    rig.device.finish_first(false);
    rig.device.finish_first();
    rig.device.finish_first();
    EXPECT_EQ(rig.log, (std::vector<std::string>{"a failed", "b failed", "c"}));
    EXPECT_EQ(rig.queue.statistics().failed_requests, 1U);
  });
}

TEST(RequestQueue, EverySectorOfRandomBiosIsTransferredOnce) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    Rig rig;
    rig.run([&] {
      std::mt19937 engine{seed};
      const auto random = [&](unsigned below) { return static_cast<unsigned>(engine() % below); };
      std::uint64_t expected = 0;
      unsigned bios = 0;
      for (unsigned round = 0; round < 20; ++round) {
        Plug plug{rig.queue};
        for (unsigned i = random(5); i > 0; --i) {
          const unsigned pages = 1 + random(30);
          plug.add(rig.bio("x", 8 * random(200), pages, 1 + random(2)));
          expected += 8 * pages;
          ++bios;
        }
        plug.flush();
        if (random(2) == 0 && !rig.device.in_flight.empty()) rig.device.finish_first();
      }
      while (!rig.device.in_flight.empty()) rig.device.finish_first();
      std::uint64_t sectors = 0;
      for (const auto& [first, count, segments] : rig.device.started) sectors += count;
      EXPECT_EQ(sectors, expected);
      EXPECT_EQ(rig.log.size(), bios);
    });
  }
}

}  // namespace
}  // namespace sluice::block
