// SPDX-License-Identifier: Apache-2.0
#include "models/platform/machine.h"

#include <fmt/format.h>

#include "models/base/result.h"
#include "models/fabric/memory_map.h"

namespace sluice::platform {
namespace {

interconnect::PcieLinkConfig link_config(const MachineDescription& description, const char* device) {
  const Link* link = description.pcie_link_of(device);
  ensure(link != nullptr, "a machine without a link to its device passed the check");
  return link->pcie;
}

}  // namespace

Machine::Machine(const MachineDescription& description, std::shared_ptr<disk::DiskImage> disk_image)
    : image(std::move(disk_image)) {
  sc_core::sc_set_time_resolution(1, sc_core::SC_PS);
  const unsigned core_count = description.cpu.cores;

  // Memory and caches.
  memory = std::make_unique<memory::Dram>(description.memory);
  caches = std::make_unique<cache::CoherentMemory>("caches", description.cache, core_count, *memory, *memory);

  // Cores, each with its translation.
  interrupts = std::make_unique<irq::InterruptController>("interrupts", description.irq, core_count);
  for (unsigned i = 0; i < core_count; ++i) {
    table_access.push_back(std::make_unique<cpu::TableAccess>(i, description.cpu, *caches, *memory));
    mmus.push_back(std::make_unique<mmu::Mmu>(description.mmu, description.cpu.frequency, *table_access[i]));
    cores.push_back(std::make_unique<cpu::Core>(
        fmt::format("cpu{}", i).c_str(), i, description.cpu,
        cpu::CoreConnections{*caches, *memory, *mmus[i], ledger, description.memory.latency}));
    interrupts->attach(i, *cores[i]);
  }

  // Devices.
  disk = std::make_unique<disk::DiskController>("disk", description.disk, image, ledger);
  if (description.has("nic")) {
    nic = std::make_unique<nic::Nic>("nic", description.nic, ledger);
    wire = std::make_unique<nic::Wire>(description.nic, description.wire, ledger);
    peer = std::make_unique<nic::Peer>("peer", description.peer, *wire, ledger);
    nic->connect(*wire);
  }

  // The root complex between them; a device's port is its register window.
  const unsigned ports = nic ? 2 : 1;
  root_complex = std::make_unique<interconnect::RootComplex>("root_complex", description.root_complex,
                                                             description.memory.size, ledger, ports);
  disk_link = std::make_unique<interconnect::PcieLink>("disk_link", link_config(description, "disk"));
  if (nic) nic_link = std::make_unique<interconnect::PcieLink>("nic_link", link_config(description, "nic"));
  const auto plug = [&](interconnect::PcieLink& link, fabric::DmaPort& dma, fabric::RegisterBank& registers,
                        unsigned port) {
    root_complex->add_window(port, port);
    dma.identify(fabric::RequesterId::of_bus(port + 1));
    dma.bus.bind(link.device);
    link.root_complex.bind(root_complex->devices[port]);
    root_complex->links[port].bind(link.mmio);
    link.registers.bind(registers.bus);
  };
  plug(*disk_link, disk->dma, disk->registers, 0);
  if (nic) plug(*nic_link, nic->dma, nic->registers, 1);
  for (const auto& core : cores) core->bus.bind(root_complex->cpu);
  root_complex->memory.bind(caches->dma);
  root_complex->interrupts.bind(interrupts->messages);
}

}  // namespace sluice::platform
