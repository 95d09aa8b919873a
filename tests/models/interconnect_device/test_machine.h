// SPDX-License-Identifier: Apache-2.0
// A device, its link, the root complex and a memory whose times are easy to add up by hand.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstring>
#include <vector>

#include "models/fabric/dma.h"
#include "models/fabric/memory_map.h"
#include "models/fabric/register_bank.h"
#include "models/interconnect/pcie_link.h"
#include "models/interconnect/root_complex.h"
#include "tests/support/simulation.h"

namespace sluice::interconnect {

/// A read takes `read_latency` plus 1 / rate per byte, of which the bytes come evenly during the latter; a write is
/// visible `write_latency` after its first byte arrived.
struct TestMemory : sc_core::sc_module {
  TestMemory(const sc_core::sc_module_name& name, Bytes size) : sc_module(name), bus("bus"), bytes(size) {
    bus.register_b_transport(this, &TestMemory::b_transport);
  }
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    arrived.push_back(fabric::to_picoseconds(sc_core::sc_time_stamp() + delay));
    auto* here = bytes.data() + payload.get_address();
    if (payload.is_write()) {
      std::memcpy(here, payload.get_data_ptr(), payload.get_data_length());
      delay += fabric::to_sc_time(write_latency);
    } else {
      std::memcpy(payload.get_data_ptr(), here, payload.get_data_length());
      const Picoseconds spread = transfer_time(payload.get_data_length(), rate);
      payload.get_extension<fabric::DmaExtension>()->spread = spread;
      delay += fabric::to_sc_time(read_latency + spread);
    }
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
  }

  tlm_utils::simple_target_socket<TestMemory> bus;
  Picoseconds read_latency = 50_ns;
  Picoseconds write_latency = 10_ns;
  ByteRate rate{16'000'000'000};
  std::vector<std::byte> bytes;
  std::vector<Picoseconds> arrived;
};

/// Where MSIs end.
struct TestInterrupts : sc_core::sc_module {
  explicit TestInterrupts(const sc_core::sc_module_name& name) : sc_module(name), messages("messages") {
    messages.register_b_transport(this, &TestInterrupts::b_transport);
  }
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    addresses.push_back(payload.get_address());
    arrived.push_back(fabric::to_picoseconds(sc_core::sc_time_stamp() + delay));
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
  }
  tlm_utils::simple_target_socket<TestInterrupts> messages;
  std::vector<std::uint64_t> addresses;
  std::vector<Picoseconds> arrived;
};

/// DOORBELL at 0x10 notes when it is written; STATUS at 0x20 reads the last doorbell.
struct TestDevice : sc_core::sc_module {
  explicit TestDevice(const sc_core::sc_module_name& name) : sc_module(name) {
    bank.add(
        {0x10, 4, "DOORBELL"}, [this] { return last; },
        [this](std::uint64_t value) {
          last = value;
          rung.emplace_back(value, fabric::to_picoseconds(sc_core::sc_time_stamp()));
        });
    bank.add_read_only({0x20, 8, "STATUS"}, [this] { return last; });
  }
  fabric::DmaPort dma{"dma"};
  fabric::RegisterBank bank{"registers"};
  std::uint64_t last = 0;
  std::vector<std::pair<std::uint64_t, Picoseconds>> rung;
};

struct TestCore : sc_core::sc_module {
  struct Answer {
    tlm::tlm_response_status status;
    Picoseconds delay;
    std::uint64_t value;
  };
  explicit TestCore(const sc_core::sc_module_name& name) : sc_module(name) {}
  Answer access(tlm::tlm_command command, std::uint64_t address, unsigned size, std::uint64_t value = 0) {
    tlm::tlm_generic_payload payload;
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
    payload.set_data_length(size);
    payload.set_streaming_width(size);
    sc_core::sc_time delay;
    bus->b_transport(payload, delay);
    EXPECT_EQ(payload.get_address(), address);
    return {payload.get_response_status(), fabric::to_picoseconds(delay), value};
  }
  Answer read(PhysAddr at, unsigned size) { return access(tlm::TLM_READ_COMMAND, at.value(), size); }
  Answer write(PhysAddr at, unsigned size, std::uint64_t value) {
    return access(tlm::TLM_WRITE_COMMAND, at.value(), size, value);
  }
  tlm_utils::simple_initiator_socket<TestCore> bus{"bus"};
};

struct TestMachine {
  static constexpr Bytes kMemory = 1_MiB;

  TestMachine(const PcieLinkConfig& link_config, const RootComplexConfig& root_config)
      : root("root", root_config, kMemory, ledger, 1), link("link", link_config) {
    device.dma.bus.bind(link.device);
    link.root_complex.bind(root.devices[0]);
    root.links[0].bind(link.mmio);
    root.add_window(0, 0);
    link.registers.bind(device.bank.bus);
    root.memory.bind(memory.bus);
    root.interrupts.bind(interrupts.messages);
    core.bus.bind(root.cpu);
    other_core.bus.bind(root.cpu);
  }

  base::Ledger ledger;
  TestMemory memory{"memory", kMemory};
  TestInterrupts interrupts{"interrupts"};
  TestDevice device{"device"};
  TestCore core{"core"};
  TestCore other_core{"other_core"};
  RootComplex root;
  PcieLink link;
};

/// Times below are added up from these: 150 ns per link crossing, 60 ns per crossing of the root complex, and TLPs at
/// gen1 x4 with rare acknowledgements: 8 Gb/s x (1 - 8/2^20 - 8/2^20 - 4/1538) = 7,979,071,687 b/s.
inline constexpr BitRate kTlpRate{7'979'071'687};
inline constexpr Picoseconds kLink = 150_ns;
inline constexpr Picoseconds kRoute = 60_ns;
constexpr Picoseconds wire(Bytes n) { return transfer_time(n, kTlpRate); }

inline PcieLinkConfig slow_link() {
  PcieLinkConfig config;
  config.generation = 1;
  config.lanes = 4;
  config.max_payload = 256;
  config.max_read_request = 512;
  config.latency = kLink;
  config.tags = 64;
  config.ack_limit = 1_MiB;
  config.flow_control_limit = 1_MiB;
  return config;
}
inline RootComplexConfig plain_root() {
  RootComplexConfig config;
  config.routing_latency = kRoute;
  config.register_write_latency = 125_ns;
  config.register_read_latency = 250_ns;
  return config;
}

class MachineTest : public tests::Simulation {
 protected:
  explicit MachineTest(const PcieLinkConfig& link = slow_link()) : machine(link, plain_root()) {}

  fabric::DmaPort::Completion read(std::uint64_t from, Bytes size, Picoseconds at, Place place = Place::NicFifo) {
    std::vector<std::byte> data(size);
    return machine.device.dma.read(BusAddr{from}, data, at, place);
  }
  fabric::DmaPort::Completion write(std::uint64_t to, Bytes size, Picoseconds at, Place place = Place::DiskBuffer) {
    const std::vector<std::byte> data(size);
    return machine.device.dma.write(BusAddr{to}, data, at, place);
  }
  fabric::DmaPort::Completion message(unsigned vector, Picoseconds at) {
    const std::uint32_t data = vector;
    return machine.device.dma.write(fabric::msi_address(vector), std::as_bytes(std::span{&data, 1}), at);
  }

  TestMachine machine;
};

}  // namespace sluice::interconnect
