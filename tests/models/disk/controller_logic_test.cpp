// SPDX-License-Identifier: Apache-2.0
// Buffer room and parameters of the controller.
#include <gtest/gtest.h>

#include "models/disk/buffer_logic.h"
#include "models/disk/disk_config.h"

namespace sluice::disk {
namespace {

TEST(TransferBuffer, RoomComesBackAtItsInstant) {
  TransferBuffer buffer{100};
  EXPECT_EQ(buffer.take(60, 0_ps), 0_ps);
  EXPECT_EQ(buffer.take(60, 0_ps), std::nullopt) << "nobody knows yet when";
  buffer.give_back(60, 50_ns);
  EXPECT_EQ(buffer.take(60, 10_ns), 50_ns);
  EXPECT_EQ(buffer.take(40, 10_ns), 50_ns);
  EXPECT_EQ(buffer.take(1, 10_ns), std::nullopt);
}

TEST(TransferBuffer, ThePartNotTakenIsStillComing) {
  TransferBuffer buffer{100};
  EXPECT_EQ(buffer.take(100, 0_ps), 0_ps);
  buffer.give_back(60, 50_ns);
  buffer.give_back(40, 20_ns);
  EXPECT_EQ(buffer.take(30, 0_ps), 20_ns);
  EXPECT_EQ(buffer.take(10, 0_ps), 20_ns);
  EXPECT_EQ(buffer.take(10, 0_ps), 50_ns);
  EXPECT_EQ(buffer.take(50, 60_ns), 60_ns);
}

TEST(DiskConfig, EveryDefaultIsWithinItsRange) {
  DiskConfig config;
  const base::ParameterTable table{config};
  EXPECT_GT(table.parameters().size(), 20U);
  for (const base::Parameter& parameter : table.parameters()) {
    const auto set = parameter.set(parameter.get());
    EXPECT_TRUE(set) << parameter.name() << ": " << set.error();
    EXPECT_FALSE(parameter.help().empty());
    EXPECT_FALSE(parameter.source().empty());
  }
}

}  // namespace
}  // namespace sluice::disk
