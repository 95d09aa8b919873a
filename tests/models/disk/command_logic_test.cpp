// SPDX-License-Identifier: Apache-2.0
#include "models/disk/command_logic.h"

#include <tuple>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::disk {
namespace {

using testing::ElementsAre;

constexpr CommandLimits kLimits{.blocks = 1000, .max_transfer = 64_KiB, .max_segments = 16};

Command read_command() {
  Command command;
  command.opcode = static_cast<std::uint8_t>(Opcode::Read);
  command.first_block = 100;
  command.block_count = 8;
  command.segment_count = 1;
  return command;
}

TEST(Validate, TakesLegalCommands) {
  EXPECT_EQ(validate(read_command(), kLimits), Status::Success);
  Command command = read_command();
  command.opcode = static_cast<std::uint8_t>(Opcode::Write);
  command.first_block = 872;
  command.block_count = 128;
  command.segment_count = 16;
  command.segment_list = 0x1010;
  EXPECT_EQ(validate(command, kLimits), Status::Success);
  EXPECT_EQ(validate(Command{}, kLimits), Status::Success) << "flush";
}

TEST(Validate, RefusesEachIllegalField) {
  const auto with = [](auto&& change) {
    Command command = read_command();
    change(command);
    return validate(command, kLimits);
  };
  EXPECT_EQ(with([](Command& c) { c.opcode = 3; }), Status::InvalidOpcode);
  EXPECT_EQ(with([](Command& c) { c.first_block = 993; }), Status::OutOfRange);
  EXPECT_EQ(with([](Command& c) { c.first_block = ~std::uint64_t{0} - 3; }), Status::OutOfRange) << "wraps";
  EXPECT_EQ(with([](Command& c) { c.block_count = 0; }), Status::InvalidSegments);
  EXPECT_EQ(with([](Command& c) { c.block_count = 129; }), Status::InvalidSegments) << "larger than a transfer";
  EXPECT_EQ(with([](Command& c) { c.segment_count = 0; }), Status::InvalidSegments);
  EXPECT_EQ(with([](Command& c) { c.segment_count = 17; }), Status::InvalidSegments);
  EXPECT_EQ(with([](Command& c) { c.segment_count = 2, c.segment_list = 8; }), Status::InvalidSegments);
}

TEST(Overlap, IsAByteThatTwoElementsShareInAnyOrder) {
  EXPECT_FALSE(overlap({}, {}));
  const std::vector<SgElement> apart{{0x3000, 0x1000}, {0x1000, 0x1000}, {0x2000, 0x1000}};
  EXPECT_FALSE(overlap(apart, {})) << "neighbours share nothing";
  const std::vector<SgElement> other{{0x2FFC, 4}};
  EXPECT_TRUE(overlap(apart, other));
  const std::vector<SgElement> twice{{0x1000, 4}, {0x9000, 4}, {0x1000, 4}};
  EXPECT_TRUE(overlap(twice, {}));
}

TEST(ValidateSegments, SumAndElements) {
  const auto status_of = [](std::vector<SgElement> segments) { return validate_segments(segments, 4096); };
  EXPECT_EQ(status_of({{0x1000, 4096}}), Status::Success);
  EXPECT_EQ(status_of({{0x1004, 4}, {0x8000, 4092}}), Status::Success);
  EXPECT_EQ(status_of({{0x1001, 4096}}), Status::InvalidSegments) << "no word address";
  EXPECT_EQ(status_of({{0x1000, 4092}}), Status::InvalidSegments);
  EXPECT_EQ(status_of({{0x1000, 4096}, {0x2000, 4}}), Status::InvalidSegments);
  EXPECT_EQ(status_of({{0x1000, 4096}, {0x2000, 0}}), Status::InvalidSegments);
  EXPECT_EQ(status_of({{0x1000, 4094}, {0x2000, 2}}), Status::InvalidSegments);
}

TEST(SegmentList, SplitsAtEveryElementAndCut) {
  const std::vector<SgElement> segments{{0x1000, 8}, {0x9000, 4}, {0x3000, 12}};
  SegmentList list;
  list.assign(segments);
  using Part = std::tuple<std::uint64_t, Bytes, Bytes>;
  const auto parts = [&](Bytes begin, Bytes size) {
    std::vector<Part> result;
    list.for_each_part(begin, size,
                       [&](BusAddr address, Bytes n, Bytes at) { result.emplace_back(address.value(), n, at); });
    return result;
  };
  EXPECT_THAT(parts(0, 24), ElementsAre(Part{0x1000, 8, 0}, Part{0x9000, 4, 8}, Part{0x3000, 12, 12}));
  EXPECT_THAT(parts(8, 4), ElementsAre(Part{0x9000, 4, 0}));
  EXPECT_THAT(parts(4, 12), ElementsAre(Part{0x1004, 4, 0}, Part{0x9000, 4, 4}, Part{0x3000, 4, 8}));

  // Any cut names, byte by byte, the same addresses.
  const auto address_of = [&](Bytes i) { return i < 8 ? 0x1000 + i : i < 12 ? 0x9000 + i - 8 : 0x3000 + i - 12; };
  for (Bytes begin = 0; begin < 24; ++begin) {
    for (Bytes size = 1; begin + size <= 24; ++size) {
      Bytes seen = 0;
      for (const auto& [address, n, at] : parts(begin, size)) {
        ASSERT_EQ(at, seen);
        for (Bytes i = 0; i < n; ++i) ASSERT_EQ(address + i, address_of(begin + seen + i));
        seen += n;
      }
      ASSERT_EQ(seen, size);
    }
  }
}

}  // namespace
}  // namespace sluice::disk
