// SPDX-License-Identifier: Apache-2.0
// The fixture of a disk controller's tests: a driver that runs as a process beside it.
#pragma once

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/disk/disk_controller.h"
#include "tests/models/disk_device/test_host.h"
#include "tests/support/simulation.h"

namespace sluice::disk {

inline DiskConfig small_config() {
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
    EXPECT_THAT(host.ledger.breaches(), testing::IsEmpty());
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

}  // namespace sluice::disk
