// SPDX-License-Identifier: Apache-2.0
// What a machine consists of: which components exist, how they are linked, and every parameter of each. Plain data:
// platform files fill it, topology.h judges it, the machine builder makes models of it.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "models/base/parameters.h"
#include "models/cache/cache_config.h"
#include "models/cpu/cpu_config.h"
#include "models/disk/disk_config.h"
#include "models/interconnect/pcie_link_config.h"
#include "models/interconnect/root_complex_config.h"
#include "models/irq/interrupt_config.h"
#include "models/memory/memory_config.h"
#include "models/mmu/mmu_config.h"
#include "models/nic/nic_config.h"

namespace sluice::platform {

/// The names that components have in files, in results and as prefix of their parameters, from the core outwards.
inline constexpr const char* kComponents[] = {"cpu", "mmu",  "cache", "memory", "root_complex",
                                              "irq", "disk", "nic",   "wire",   "peer"};

enum class LinkKind : std::uint8_t {
  Bus,   ///< inside the processor: cores, caches, memory, root complex; as fast as what it leads to
  Pcie,  ///< has parameters of its own, under the name of the link
  Wire,  ///< Ethernet, from the NIC's port to the peer; its parameters are those of `wire`
};
/// Their names in files, in the order of the enum.
inline constexpr const char* kLinkKinds[] = {"bus", "pcie", "wire"};

/// Connects two components, both ways.
struct Link {
  std::string name;  ///< of a PCIe link: prefix of its parameters, e.g. "pcie.nic"
  std::string from;
  std::string to;
  LinkKind kind = LinkKind::Bus;
  interconnect::PcieLinkConfig pcie;  ///< when `kind` is Pcie
};

struct MachineDescription {
  std::set<std::string> components;  ///< those that exist, out of kComponents
  std::vector<Link> links;

  cpu::CpuConfig cpu;
  mmu::MmuConfig mmu;
  cache::CacheConfig cache;
  memory::MemoryConfig memory;
  interconnect::RootComplexConfig root_complex;
  irq::InterruptConfig irq;
  disk::DiskConfig disk;
  nic::NicConfig nic;
  nic::WireConfig wire;
  nic::PeerConfig peer;

  [[nodiscard]] bool has(std::string_view component) const { return components.contains(std::string{component}); }
  /// Neither card nor wire nor peer: it sends to a receiver that runs on it.
  [[nodiscard]] bool is_loopback() const { return !has("nic") && !has("wire") && !has("peer"); }
  /// The PCIe link at which the device hangs; null when there is none.
  [[nodiscard]] const Link* pcie_link_of(std::string_view device) const;
  /// All components with default parameters, disk and NIC each on a PCIe link of its own.
  static MachineDescription standard();
};

/// The parameters of one component of a machine, of the kernel or of the workload. Bound to the machine they were made
/// for.
struct Section {
  std::string prefix;  ///< "nic", "pcie.disk"
  base::ParameterTable table;
};
/// Of every component that exists and of every PCIe link, in a fixed order.
std::vector<Section> sections_of(MachineDescription& machine);

}  // namespace sluice::platform
