// SPDX-License-Identifier: Apache-2.0
// What the controller does with commands, memory and rings that are wrong.
#include "tests/models/disk_device/driven_disk.h"

namespace sluice::disk {
namespace {

using base::make_synthetic_content;
using testing::IsEmpty;

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

}  // namespace
}  // namespace sluice::disk
