// SPDX-License-Identifier: Apache-2.0
// A machine description made into models, bound to each other. One per process: SystemC elaborates once.
//
//   cores ─► caches ─► dram           cores ─► root complex ─► links, switches ─► registers of devices
//   devices ─► links, switches ─► root complex ─► caches (DMA), interrupt controller ─► cores
//
// Each device gets a register window and its vectors in the order of the description, as firmware would give them out.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/base/ledger.h"
#include "models/cache/coherent_memory.h"
#include "models/cpu/core.h"
#include "models/cpu/table_access.h"
#include "models/disk/disk_controller.h"
#include "models/interconnect/pcie_link.h"
#include "models/interconnect/pcie_switch.h"
#include "models/interconnect/root_complex.h"
#include "models/irq/interrupt_controller.h"
#include "models/memory/dram.h"
#include "models/mmu/mmu.h"
#include "models/nic/connected_nic.h"
#include "models/platform/device_kinds.h"
#include "models/platform/machine_description.h"

namespace sluice::platform {

/// What the disks hold, by device.
using Images = std::map<std::string, std::shared_ptr<disk::DiskImage>>;

class Machine {
 public:
  /// A device or a switch with the link that leads to it.
  struct Slot {
    std::string name;
    const DeviceKind* kind = nullptr;
    unsigned window = 0;        ///< of registers; see fabric/memory_map.h
    unsigned first_vector = 0;  ///< the device has as many as its kind says
    unsigned port = 0;          ///< of the root complex or switch to which it is attached
    std::unique_ptr<interconnect::PcieLink> link;
    std::unique_ptr<fabric::Device> device;                 ///< null for a switch
    std::unique_ptr<interconnect::PcieSwitch> pcie_switch;  ///< null for a device
  };

  /// The description has been checked (topology.h).
  Machine(const MachineDescription& description, const Images& images);
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  base::Ledger ledger;
  std::unique_ptr<memory::Dram> memory;
  std::unique_ptr<cache::CoherentMemory> caches;
  std::vector<std::unique_ptr<cpu::TableAccess>> table_access;  // one for each core
  std::vector<std::unique_ptr<mmu::Mmu>> mmus;
  std::vector<std::unique_ptr<cpu::Core>> cores;
  std::unique_ptr<irq::InterruptController> interrupts;
  std::unique_ptr<interconnect::RootComplex> root_complex;
  std::vector<Slot> slots;  ///< as the description has them
  // Those among them that files come from and go to.
  std::vector<disk::DiskController*> disks;
  std::vector<nic::ConnectedNic*> nics;

 private:
  void build_cores(const MachineDescription& description);
  void build_devices(const MachineDescription& description, const Images& images);
  void plug_in(const MachineDescription& description);
};

}  // namespace sluice::platform
