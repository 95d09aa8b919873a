// SPDX-License-Identifier: Apache-2.0
#include <tlm_utils/simple_target_socket.h>

#include <cstring>
#include <vector>

#include "models/fabric/dma.h"
#include "tests/support/simulation.h"

namespace sluice::fabric {
namespace {

/// Memory of 4 KiB at address 0 that takes 100 ns and remembers what came with the last transfer.
struct Target : sc_core::sc_module {
  explicit Target(const sc_core::sc_module_name& name) : sc_module(name), bus("bus"), bytes(4096) {
    bus.register_b_transport(this, &Target::b_transport);
  }
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    ++calls;
    delay_in = to_picoseconds(delay);
    extension = *payload.get_extension<DmaExtension>();
    delay += sc_core::sc_time(100, sc_core::SC_NS);
    if (payload.get_address() + payload.get_data_length() > bytes.size()) {
      payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
      return;
    }
    unsigned char* here = bytes.data() + payload.get_address();
    if (payload.is_write()) {
      std::memcpy(here, payload.get_data_ptr(), payload.get_data_length());
    } else {
      std::memcpy(payload.get_data_ptr(), here, payload.get_data_length());
    }
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
  }

  tlm_utils::simple_target_socket<Target> bus;
  std::vector<unsigned char> bytes;
  unsigned calls = 0;
  Picoseconds delay_in;
  DmaExtension extension;
};

struct Device : sc_core::sc_module {
  explicit Device(const sc_core::sc_module_name& name) : sc_module(name) {}
  DmaPort port{"port"};
};

class DmaPortTest : public tests::Simulation {
 protected:
  DmaPortTest() {
    port.bus.bind(target.bus);
    port.identify(RequesterId{0x0108});
  }
  Device device{"device"};
  DmaPort& port = device.port;
  Target target{"target"};
};

TEST_F(DmaPortTest, TimesAreAbsoluteAndTheCallDoesNotWait) {
  thread([this] {
    sc_core::wait(1, sc_core::SC_US);
    std::vector<std::byte> data(64);
    const auto done = port.read(BusAddr{0}, data, 1'300_ns);
    EXPECT_TRUE(done.ok());
    EXPECT_EQ(target.delay_in, 300_ns);
    EXPECT_EQ(done.done, 1'400_ns);
    EXPECT_EQ(to_picoseconds(sc_core::sc_time_stamp()), 1_us);
  });
  run();
}

TEST_F(DmaPortTest, AnInstantInThePastMeansNow) {
  thread([this] {
    sc_core::wait(1, sc_core::SC_US);
    std::vector<std::byte> data(64);
    EXPECT_EQ(port.read(BusAddr{0}, data, 200_ns).done, 1'100_ns);
  });
  run();
}

TEST_F(DmaPortTest, WhatIsWrittenIsReadBackInOneCallEach) {
  thread([this] {
    const std::vector<std::byte> out(4000, std::byte{0xA5});
    std::vector<std::byte> in(4000);
    EXPECT_TRUE(port.write(BusAddr{96}, out, 0_ns).ok());
    EXPECT_TRUE(port.read(BusAddr{96}, in, 0_ns).ok());
    EXPECT_EQ(in, out);
    EXPECT_EQ(target.calls, 2U);
  });
  run();
}

TEST_F(DmaPortTest, EachTransferCarriesItsOwnPlaceAndShadow) {
  thread([this] {
    std::vector<std::byte> data(16);
    base::Shadow shadow;
    (void)port.read(BusAddr{0}, data, 0_ns, Place::NicFifo, &shadow);
    EXPECT_EQ(target.extension.requester.value, 0x0108);
    EXPECT_EQ(target.extension.device_place, Place::NicFifo);
    EXPECT_EQ(target.extension.shadow, &shadow);
    (void)port.write(BusAddr{0}, data, 0_ns);
    EXPECT_EQ(target.extension.device_place, Place::KernelMemory);
    EXPECT_EQ(target.extension.shadow, nullptr);
  });
  run();
}

TEST_F(DmaPortTest, AnErrorComesBackAndTheNextTransferIsFine) {
  thread([this] {
    std::vector<std::byte> data(16);
    EXPECT_EQ(port.read(BusAddr{4090}, data, 0_ns).status, tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_TRUE(port.read(BusAddr{4080}, data, 0_ns).ok());
  });
  run();
}

TEST_F(DmaPortTest, NoBytesAreDoneAtOnceWithoutATransfer) {
  thread([this] {
    const auto done = port.write(BusAddr{1 << 30}, {}, 70_ns);
    EXPECT_TRUE(done.ok());
    EXPECT_EQ(done.done, 70_ns);
    EXPECT_EQ(target.calls, 0U);
  });
  run();
}

}  // namespace
}  // namespace sluice::fabric
