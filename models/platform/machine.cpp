// SPDX-License-Identifier: Apache-2.0
#include "models/platform/machine.h"

#include <algorithm>

#include <fmt/format.h>

#include "models/base/result.h"
#include "models/fabric/memory_map.h"

namespace sluice::platform {

Machine::Machine(const MachineDescription& description, const Images& images) {
  sc_core::sc_set_time_resolution(1, sc_core::SC_PS);
  build_cores(description);
  build_devices(description, images);
  plug_in(description);
}

void Machine::build_cores(const MachineDescription& description) {
  const unsigned core_count = description.cpu.cores;
  memory = std::make_unique<memory::Dram>(description.memory);
  caches = std::make_unique<cache::CoherentMemory>("caches", description.cache, core_count, *memory, *memory);
  interrupts = std::make_unique<irq::InterruptController>("interrupts", description.irq, core_count);
  for (unsigned i = 0; i < core_count; ++i) {
    table_access.push_back(std::make_unique<cpu::TableAccess>(i, description.cpu, *caches, *memory));
    mmus.push_back(std::make_unique<mmu::Mmu>(description.mmu, description.cpu.frequency, *table_access[i]));
    cores.push_back(std::make_unique<cpu::Core>(
        fmt::format("cpu{}", i).c_str(), i, description.cpu,
        cpu::CoreConnections{*caches, *memory, *mmus[i], ledger, description.memory.latency}));
    interrupts->attach(i, *cores[i]);
  }
}

/// Each with its link and a port for it at what it is attached to.
void Machine::build_devices(const MachineDescription& description, const Images& images) {
  const Surroundings around{ledger, images};
  std::map<std::string, unsigned> ports;  // taken so far, by what has them
  unsigned next_vector = fabric::kFirstDeviceVector;
  for (const DeviceInstance& instance : description.devices) {
    Slot& slot = slots.emplace_back();
    slot.name = instance.name;
    slot.kind = instance.kind;
    slot.window = static_cast<unsigned>(slots.size() - 1);
    slot.first_vector = next_vector;
    slot.port = ports[instance.at]++;
    next_vector += instance.kind->vectors;
    slot.link = std::make_unique<interconnect::PcieLink>((instance.name + "_link").c_str(), instance.pcie);
    if (instance.kind->make != nullptr) {
      slot.device = instance.kind->make(instance.name, instance.config, around);
      slot.device->dma_port().identify(fabric::RequesterId::of_bus(slot.window + 1));
      if (auto* disk = dynamic_cast<disk::DiskController*>(slot.device.get())) disks.push_back(disk);
      if (auto* nic = dynamic_cast<nic::ConnectedNic*>(slot.device.get())) nics.push_back(nic);
    }
  }
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].device) continue;
    slots[i].pcie_switch = std::make_unique<interconnect::PcieSwitch>(
        slots[i].name.c_str(), description.devices[i].as<interconnect::PcieSwitchConfig>(), ports[slots[i].name]);
  }
  root_complex = std::make_unique<interconnect::RootComplex>("root_complex", description.root_complex,
                                                             description.memory.size, ledger, ports[kRootComplex]);
}

void Machine::plug_in(const MachineDescription& description) {
  const auto slot_named = [&](const std::string& name) -> Slot& {
    return *std::find_if(slots.begin(), slots.end(), [&](const Slot& slot) { return slot.name == name; });
  };
  for (std::size_t i = 0; i < slots.size(); ++i) {
    Slot& slot = slots[i];
    // 1. The link's lower end
    if (slot.device) {
      slot.device->dma_port().bus.bind(slot.link->device);
      slot.link->registers.bind(slot.device->register_bank().bus);
    } else {
      slot.pcie_switch->uplink.bind(slot.link->device);
      slot.link->registers.bind(slot.pcie_switch->mmio);
    }
    // 2. Its upper end
    const std::string& at = description.devices[i].at;
    if (at == kRootComplex) {
      slot.link->root_complex.bind(root_complex->devices[slot.port]);
      root_complex->links[slot.port].bind(slot.link->mmio);
    } else {
      interconnect::PcieSwitch& above = *slot_named(at).pcie_switch;
      slot.link->root_complex.bind(above.devices[slot.port]);
      above.links[slot.port].bind(slot.link->mmio);
    }
    // 3. The register window lies behind each port on the way
    const DeviceInstance* hop = &description.devices[i];
    for (; hop->at != kRootComplex; hop = description.find(hop->at)) {
      slot_named(hop->at).pcie_switch->add_window(slot.window, slot_named(hop->name).port);
    }
    root_complex->add_window(slot.window, slot_named(hop->name).port);
  }
  for (const auto& core : cores) core->bus.bind(root_complex->cpu);
  root_complex->memory.bind(caches->dma);
  root_complex->interrupts.bind(interrupts->messages);
}

}  // namespace sluice::platform
