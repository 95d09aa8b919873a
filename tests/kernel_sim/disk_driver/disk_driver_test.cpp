// SPDX-License-Identifier: Apache-2.0
// The driver against a small controller that knows only registers and memory.
#include "kernel_sim/drivers/disk_driver.h"

#include <cstring>
#include <deque>

#include <gtest/gtest.h>

#include "kernel_sim/block/request_queue.h"
#include "models/disk/disk_registers.h"
#include "models/fabric/memory_map.h"
#include "tests/support/fake_machine.h"

namespace sluice::drivers {
namespace {

const hal::DeviceInfo kDevice{"disk", "disk", fabric::register_window(4), 7};

/// Follows the data sheet; checks what the driver does on the way.
class Controller {
 public:
  explicit Controller(tests::FakeMachine& fake) : media(4_MiB), m_fake(fake) {
    fake.map_device(
        kDevice.registers, fabric::kMmioWindow, [this](Bytes offset, unsigned) { return read(offset); },
        [this](Bytes offset, unsigned, std::uint64_t value) { write(offset, value); });
  }
  std::vector<std::byte> media;
  std::uint32_t depth = 4;
  bool ready = true;
  disk::Status status = disk::Status::Success;
  unsigned most_segments = 0;
  unsigned commands = 0;
  unsigned in_flight = 0;
  unsigned most_in_flight = 0;

 private:
  std::uint64_t read(Bytes offset) {
    switch (offset) {
      case disk::reg::kCapacity.offset:
        return media.size() / disk::kBlockSize;
      case disk::reg::kQueueDepth.offset:
        return depth;
      case disk::reg::kMaxTransfer.offset:
        return 64_KiB;
      case disk::reg::kMaxSegments.offset:
        return 16;
      case disk::reg::kStatus.offset:
        return ready ? 1 : 0;
      default:
        return m_registers[offset];
    }
  }
  void write(Bytes offset, std::uint64_t value) {
    m_registers[offset] = value;
    if (offset == disk::reg::kSqTail.offset) {
      while (m_fetched != value) {
        disk::Command command;
        copy_in(m_registers[disk::reg::kSqBase.offset] + m_fetched * sizeof command, &command, sizeof command);
        m_fetched = (m_fetched + 1) % m_registers[disk::reg::kSqSize.offset];
        most_in_flight = std::max(most_in_flight, ++in_flight);
        m_fake.after(5_us, [this, command] { carry_out(command); });
      }
    }
  }
  void carry_out(const disk::Command& command) {
    ++commands;
    most_segments = std::max(most_segments, command.segment_count);
    auto* medium = media.data() + command.first_block * disk::kBlockSize;
    for (std::uint32_t i = 0; i < command.segment_count; ++i) {
      disk::SgElement element = command.inline_segment;
      if (command.segment_count > 1) copy_in(command.segment_list + i * sizeof element, &element, sizeof element);
      auto* memory = m_fake.bytes(PhysAddr{element.address}, element.size).data();
      if (command.opcode == static_cast<std::uint8_t>(disk::Opcode::Read)) std::memcpy(memory, medium, element.size);
      if (command.opcode == static_cast<std::uint8_t>(disk::Opcode::Write)) std::memcpy(medium, memory, element.size);
      medium += element.size;
    }
    const disk::CompletionEntry entry{command.command_id, static_cast<std::uint16_t>(status),
                                      static_cast<std::uint16_t>(m_fetched), m_phase, 0};
    std::memcpy(
        m_fake.bytes(PhysAddr{m_registers[disk::reg::kCqBase.offset] + m_cq_tail * sizeof entry}, sizeof entry).data(),
        &entry, sizeof entry);
    if (++m_cq_tail == m_registers[disk::reg::kCqSize.offset]) {
      m_cq_tail = 0;
      m_phase ^= 1;
    }
    --in_flight;
    m_fake.raise_interrupt(static_cast<unsigned>(m_registers[disk::reg::kVector.offset]), 1_us);
  }
  void copy_in(std::uint64_t at, void* to, std::size_t size) {
    std::memcpy(to, m_fake.bytes(PhysAddr{at}, size).data(), size);
  }

  tests::FakeMachine& m_fake;
  std::map<Bytes, std::uint64_t> m_registers;
  std::uint64_t m_fetched = 0;
  std::uint64_t m_cq_tail = 0;
  std::uint16_t m_phase = 1;
};

struct Rig {
  Rig()
      : machine(fake.machine()),
        scheduler(machine, sched_config),
        frames(machine, fake.ledger(), mm_config, Frame{0}, 1024),
        driver(machine, kDevice, scheduler, frames, config),
        queue(machine, driver, block_config) {}
  void run(std::function<void()> body) {
    scheduler.spawn("task", std::move(body));
    fake.run_all();
  }
  tests::FakeMachine fake{8_MiB};
  hal::Machine machine;
  sched::SchedConfig sched_config;
  mm::MmConfig mm_config;
  DiskDriverConfig config;
  block::BlockConfig block_config;
  sched::Scheduler scheduler;
  mm::FrameAllocator frames;
  DiskDriver driver;
  block::RequestQueue queue;
};

struct Done {
  unsigned good = 0;
  unsigned bad = 0;
  sched::WaitQueue waiters;
};

class TestBio final : public block::Bio {
 public:
  TestBio(Rig& rig, Done& done, block::Direction direction, std::uint64_t sector)
      : Bio(direction, sector), m_rig(rig), m_done(done) {}
  void finished(bool success) override {
    ++(success ? m_done.good : m_done.bad);
    m_rig.scheduler.wake_all(m_done.waiters);
  }

 private:
  Rig& m_rig;
  Done& m_done;
};

TEST(DiskDriver, ReportsADiskThatIsNotThereOrNotReady) {
  Rig rig;
  rig.run([&] {
    EXPECT_EQ(rig.driver.initialise().error().value, EIO);
    Controller controller{rig.fake};
    controller.ready = false;
    EXPECT_EQ(rig.driver.initialise().error().value, EIO);
    rig.queue.refresh_limits();
    Done done;
    block::Plug plug{rig.queue};
    auto bio = std::make_unique<TestBio>(rig, done, block::Direction::Read, 0);
    bio->add(PhysAddr{1_MiB}, 512);
    plug.add(std::move(bio));
    plug.flush();
    EXPECT_EQ(done.bad, 1U);  // at once, and nobody waits for ever
  });
}

TEST(DiskDriver, ReadsAndWritesThroughManyPassesOfTheRings) {
  Rig rig;
  Controller controller{rig.fake};
  rig.run([&] {
    ASSERT_TRUE(rig.driver.initialise());
    rig.queue.refresh_limits();
    EXPECT_EQ(rig.driver.limits().capacity, 4_MiB);
    EXPECT_EQ(rig.driver.limits().queue_depth, 4U);
    // 100 scattered reads with rings of 8 entries: each page of the disk lands where its bio says.
    for (std::size_t i = 0; i < controller.media.size(); ++i) controller.media[i] = static_cast<std::byte>(i >> 12);
    Done done;
    block::Plug plug{rig.queue};
    for (std::uint64_t i = 0; i < 100; ++i) {
      auto bio = std::make_unique<TestBio>(rig, done, block::Direction::Read, i * 80);  // 10 pages apart
      for (std::uint64_t page = 0; page < 5; ++page) bio->add(PhysAddr{2_MiB + (i * 5 + page) * 8192}, 4096);
      plug.add(std::move(bio));
    }
    plug.flush();
    while (done.good < 100) rig.scheduler.wait(done.waiters, "the disk");
    for (std::uint64_t i = 0; i < 100; ++i) {
      for (std::uint64_t page = 0; page < 5; ++page) {
        ASSERT_EQ(rig.fake.bytes(PhysAddr{2_MiB + (i * 5 + page) * 8192 + 4095}, 1)[0],
                  static_cast<std::byte>(i * 10 + page));
      }
    }
    EXPECT_EQ(controller.commands, 100U);
    EXPECT_EQ(controller.most_segments, 5U);
    EXPECT_EQ(controller.most_in_flight, 4U);
    EXPECT_LE(rig.driver.statistics().doorbells, 100U);

    auto bio = std::make_unique<TestBio>(rig, done, block::Direction::Write, 8);
    bio->add(PhysAddr{2_MiB + 8192}, 4096);  // holds page 1
    plug.add(std::move(bio));
    plug.add(std::make_unique<TestBio>(rig, done, block::Direction::Flush, 0));
    plug.flush();
    while (done.good < 102) rig.scheduler.wait(done.waiters, "the disk");
    EXPECT_EQ(controller.media[4096], std::byte{1});
  });
}

TEST(DiskDriver, AnErrorStatusFailsTheRequest) {
  Rig rig;
  Controller controller{rig.fake};
  controller.status = disk::Status::DmaError;
  rig.run([&] {
    ASSERT_TRUE(rig.driver.initialise());
    rig.queue.refresh_limits();
    Done done;
    block::Plug plug{rig.queue};
    auto bio = std::make_unique<TestBio>(rig, done, block::Direction::Read, 0);
    bio->add(PhysAddr{2_MiB}, 4096);
    plug.add(std::move(bio));
    plug.flush();
    while (done.bad == 0) rig.scheduler.wait(done.waiters, "the disk");
    EXPECT_EQ(done.good, 0U);
  });
}

}  // namespace
}  // namespace sluice::drivers
