// SPDX-License-Identifier: Apache-2.0
// A machine description made into models, bound to each other. One per process: SystemC elaborates once.
//
//   cores ─► caches ─► dram            cores ─► root complex ─► link ─► registers of disk and NIC
//   disk, NIC ─► link ─► root complex ─► caches (DMA), interrupt controller ─► cores        NIC ─► wire ─► peer
#pragma once

#include <memory>
#include <vector>

#include "models/base/ledger.h"
#include "models/cache/coherent_memory.h"
#include "models/cpu/core.h"
#include "models/cpu/table_access.h"
#include "models/disk/disk_controller.h"
#include "models/interconnect/pcie_link.h"
#include "models/interconnect/root_complex.h"
#include "models/irq/interrupt_controller.h"
#include "models/memory/dram.h"
#include "models/mmu/mmu.h"
#include "models/nic/nic.h"
#include "models/nic/peer.h"
#include "models/platform/machine_description.h"

namespace sluice::platform {

struct Machine {
  /// The description has been checked (topology.h). `image` is what the disk holds.
  Machine(const MachineDescription& description, std::shared_ptr<disk::DiskImage> image);
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  base::Ledger ledger;
  std::shared_ptr<disk::DiskImage> image;
  std::unique_ptr<memory::Dram> memory;
  std::unique_ptr<cache::CoherentMemory> caches;
  std::vector<std::unique_ptr<cpu::TableAccess>> table_access;  // one for each core
  std::vector<std::unique_ptr<mmu::Mmu>> mmus;
  std::vector<std::unique_ptr<cpu::Core>> cores;
  std::unique_ptr<irq::InterruptController> interrupts;
  std::unique_ptr<interconnect::RootComplex> root_complex;
  std::unique_ptr<interconnect::PcieLink> disk_link;
  std::unique_ptr<disk::DiskController> disk;
  // Null on a machine without a network card, whose receiver runs on it (loopback):
  std::unique_ptr<interconnect::PcieLink> nic_link;
  std::unique_ptr<nic::Wire> wire;
  std::unique_ptr<nic::Nic> nic;
  std::unique_ptr<nic::Peer> peer;
};

}  // namespace sluice::platform
