// SPDX-License-Identifier: Apache-2.0
#include "models/irq/interrupt_controller.h"

#include <array>
#include <string>
#include <vector>

#include "models/fabric/dma.h"
#include "tests/support/simulation.h"

namespace sluice::irq {
namespace {

struct Taken {
  unsigned core;
  unsigned vector;
  Picoseconds at;
  bool operator==(const Taken&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Taken& t) {
  return out << "core " << t.core << " vector " << t.vector << " at " << t.at.count() << " ps";
}

/// A core that notes each interrupt and, unless told to leave it pending, accepts it.
struct Core : fabric::InterruptSink {
  void interrupt(unsigned vector, Picoseconds at) override {
    EXPECT_EQ(at, fabric::to_picoseconds(sc_core::sc_time_stamp()));
    log->push_back({number, vector, at});
    if (accepts) controller->acknowledge(vector);
  }
  unsigned number = 0;
  bool accepts = true;
  std::vector<Taken>* log = nullptr;
  InterruptController* controller = nullptr;
};

struct Device : sc_core::sc_module {
  explicit Device(const sc_core::sc_module_name& name) : sc_module(name) {}
  fabric::DmaPort dma{"dma"};
};

class InterruptControllerTest : public tests::Simulation {
 protected:
  InterruptControllerTest() {
    device.dma.bus.bind(controller.messages);
    for (unsigned i = 0; i < cores.size(); ++i) {
      cores[i].number = i;
      cores[i].log = &log;
      cores[i].controller = &controller;
      controller.attach(i, cores[i]);
    }
  }
  /// A device sends an MSI that arrives at the controller at `at`.
  tlm::tlm_response_status send(unsigned vector, Picoseconds at) {
    const std::uint32_t data = vector;
    return device.dma.write(fabric::msi_address(vector), std::as_bytes(std::span{&data, 1}), at).status;
  }
  static InterruptConfig with_latency(Picoseconds latency) {
    InterruptConfig config;
    config.delivery_latency = latency;
    return config;
  }

  InterruptController controller{"controller", with_latency(100_ns), 2};
  Device device{"device"};
  std::array<Core, 2> cores;
  std::vector<Taken> log;
};

TEST_F(InterruptControllerTest, AMessageDatedAheadArrivesAtItsInstant) {
  thread([this] {
    EXPECT_EQ(send(3, 5_us), tlm::TLM_OK_RESPONSE);
    EXPECT_TRUE(log.empty());
  });
  run();
  EXPECT_EQ(log, (std::vector<Taken>{{0, 3, 5'100_ns}}));
}

TEST_F(InterruptControllerTest, MessagesAreToldByTimeThenVectorWhateverTheOrderOfTheCalls) {
  thread([this] {
    (void)send(9, 2_us);
    (void)send(7, 1_us);
    (void)send(4, 2_us);
    (void)send(8, 3_us);
    (void)send(1, 2_us);
  });
  run();
  EXPECT_EQ(log, (std::vector<Taken>{
                     {0, 7, 1'100_ns}, {0, 1, 2'100_ns}, {0, 4, 2'100_ns}, {0, 9, 2'100_ns}, {0, 8, 3'100_ns}}));
}

TEST_F(InterruptControllerTest, AnEarlierMessageOvertakesOneThatWaits) {
  thread([this] {
    (void)send(2, 10_us);
    sc_core::wait(1, sc_core::SC_US);
    (void)send(3, 1'500_ns);
  });
  run();
  EXPECT_EQ(log, (std::vector<Taken>{{0, 3, 1'600_ns}, {0, 2, 10'100_ns}}));
}

TEST_F(InterruptControllerTest, AVectorThatWasNotAcceptedCoalesces) {
  cores[0].accepts = false;
  thread([this] {
    (void)send(3, 1_us);
    (void)send(3, 2_us);
    (void)send(3, 5_us);
    sc_core::wait(3, sc_core::SC_US);
    EXPECT_TRUE(controller.is_pending(3));
    controller.acknowledge(3);
  });
  run();
  EXPECT_EQ(log, (std::vector<Taken>{{0, 3, 1'100_ns}, {0, 3, 5'100_ns}}));
  EXPECT_EQ(controller.statistics(3).messages, 3U);
  EXPECT_EQ(controller.statistics(3).coalesced, 1U);
  EXPECT_EQ(controller.accepted(), 1U);
}

TEST_F(InterruptControllerTest, VectorsGoToTheirCores) {
  controller.route(3, 1);
  thread([this] {
    (void)send(3, 1_us);
    (void)send(4, 1_us);
  });
  run();
  EXPECT_EQ(log, (std::vector<Taken>{{1, 3, 1'100_ns}, {0, 4, 1'100_ns}}));
}

TEST_F(InterruptControllerTest, AMaskedCoreIsToldWhenItIsEnabled) {
  thread([this] {
    controller.set_enabled(0, false);
    (void)send(6, 1_us);
    (void)send(5, 2_us);
    sc_core::wait(4, sc_core::SC_US);
    EXPECT_TRUE(log.empty());
    controller.set_enabled(0, true);
  });
  run();
  EXPECT_EQ(log, (std::vector<Taken>{{0, 5, 4_us}, {0, 6, 4_us}}));
}

TEST_F(InterruptControllerTest, AMaskedVectorMovesToAnotherCoreWithItsRoute) {
  thread([this] {
    controller.set_enabled(0, false);
    (void)send(6, 1_us);
    sc_core::wait(4, sc_core::SC_US);
    controller.route(6, 1);
  });
  run();
  EXPECT_EQ(log, (std::vector<Taken>{{1, 6, 4_us}}));
}

TEST_F(InterruptControllerTest, WhatIsNoMessageGetsAnErrorAndNoInterrupt) {
  thread([this] {
    const std::uint32_t other = 4;
    const std::uint64_t wide = 3;
    std::uint32_t read_back = 0;
    const auto bytes = [](auto& value) { return std::as_bytes(std::span{&value, 1}); };
    EXPECT_FALSE(device.dma.write(fabric::msi_address(3), bytes(other), 0_ns).ok());
    EXPECT_FALSE(device.dma.write(fabric::msi_address(3), bytes(wide), 0_ns).ok());
    EXPECT_FALSE(device.dma.write(fabric::msi_address(3) + 2, bytes(other), 0_ns).ok());
    EXPECT_FALSE(device.dma.read(fabric::msi_address(3), std::as_writable_bytes(std::span{&read_back, 1}), 0_ns).ok());
    EXPECT_FALSE(send(fabric::kVectors, 0_ns) == tlm::TLM_OK_RESPONSE);
  });
  run();
  EXPECT_TRUE(log.empty());
  EXPECT_EQ(controller.malformed_messages(), 5U);
}

}  // namespace
}  // namespace sluice::irq
