// SPDX-License-Identifier: Apache-2.0
#include "models/fabric/register_bank.h"

#include <tlm_utils/simple_initiator_socket.h>

#include <cstring>

#include "models/base/result.h"
#include "tests/support/simulation.h"

namespace sluice::fabric {
namespace {

struct Device : sc_core::sc_module {
  explicit Device(const sc_core::sc_module_name& name) : sc_module(name) {}
  RegisterBank bank{"registers"};
};
struct Cpu : sc_core::sc_module {
  explicit Cpu(const sc_core::sc_module_name& name) : sc_module(name) {}
  tlm_utils::simple_initiator_socket<Cpu> bus{"bus"};
};

class RegisterBankTest : public tests::Simulation {
 protected:
  RegisterBankTest() {
    cpu.bus.bind(bank.bus);
    bank.add(
        {0x00, 4, "CONTROL"}, [this] { return control; }, [this](std::uint64_t value) { control = value; });
    bank.add_read_only({0x08, 8, "CAPACITY"}, [] { return 0x1122334455667788U; });
  }
  tlm::tlm_response_status access(tlm::tlm_command command, std::uint64_t address, unsigned size) {
    tlm::tlm_generic_payload payload;
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(reinterpret_cast<unsigned char*>(&data));
    payload.set_data_length(size);
    payload.set_streaming_width(size);
    sc_core::sc_time delay;
    cpu.bus->b_transport(payload, delay);
    EXPECT_EQ(delay, sc_core::SC_ZERO_TIME);
    return payload.get_response_status();
  }
  tlm::tlm_response_status read(std::uint64_t address, unsigned size) {
    data = 0;
    return access(tlm::TLM_READ_COMMAND, address, size);
  }
  tlm::tlm_response_status write(std::uint64_t address, unsigned size, std::uint64_t value) {
    data = value;
    return access(tlm::TLM_WRITE_COMMAND, address, size);
  }

  Device device{"device"};
  RegisterBank& bank = device.bank;
  Cpu cpu{"cpu"};
  std::uint64_t control = 0;
  std::uint64_t data = 0;
};

TEST_F(RegisterBankTest, HandlersSeeTheValueInItsSize) {
  thread([this] {
    EXPECT_EQ(write(0x00, 4, 0xFFFF'FFFF'0000'0003), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(control, 3U);
    EXPECT_EQ(read(0x08, 8), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(data, 0x1122334455667788U);
  });
  run();
}

TEST_F(RegisterBankTest, AWriteToAReadOnlyRegisterIsIgnored) {
  thread([this] {
    EXPECT_EQ(write(0x08, 8, 1), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(read(0x08, 8), tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(data, 0x1122334455667788U);
    EXPECT_EQ(bank.illegal_accesses(), 0U);
  });
  run();
}

TEST_F(RegisterBankTest, IllegalAccessesGetAResponseAndAreCounted) {
  thread([this] {
    control = 5;
    EXPECT_EQ(write(0x04, 4, 1), tlm::TLM_ADDRESS_ERROR_RESPONSE);  // a hole
    EXPECT_EQ(write(0x01, 4, 1), tlm::TLM_ADDRESS_ERROR_RESPONSE);  // misaligned
    EXPECT_EQ(write(0x00, 8, 1), tlm::TLM_BURST_ERROR_RESPONSE);
    EXPECT_EQ(read(0x08, 4), tlm::TLM_BURST_ERROR_RESPONSE);
    EXPECT_EQ(read(0x00, 1), tlm::TLM_BURST_ERROR_RESPONSE);
    EXPECT_EQ(access(tlm::TLM_IGNORE_COMMAND, 0x00, 4), tlm::TLM_COMMAND_ERROR_RESPONSE);
    EXPECT_EQ(bank.illegal_accesses(), 6U);
    EXPECT_EQ(control, 5U);
  });
  run();
}

TEST_F(RegisterBankTest, AMapThatOverlapsIsABugOfTheDevice) {
  const auto nothing = [] { return std::uint64_t{0}; };
  EXPECT_THROW(bank.add_read_only({0x0C, 4, "IN_CAPACITY"}, nothing), base::SimulatorBug);
  EXPECT_THROW(bank.add_read_only({0x00, 8, "OVER_CONTROL"}, nothing), base::SimulatorBug);
  EXPECT_THROW(bank.add_read_only({0x14, 8, "MISALIGNED"}, nothing), base::SimulatorBug);
  EXPECT_THROW(bank.add_read_only({0x10, 2, "SHORT"}, nothing), base::SimulatorBug);
  run();
}

}  // namespace
}  // namespace sluice::fabric
