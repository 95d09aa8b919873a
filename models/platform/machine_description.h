// SPDX-License-Identifier: Apache-2.0
// What a machine consists of: its core parts, its devices and where they are attached, and every parameter of each.
// Plain data: platform files fill it, topology.h judges it, the machine builder makes models of it.
#pragma once

#include <any>
#include <string>
#include <string_view>
#include <vector>

#include "models/base/parameters.h"
#include "models/cache/cache_config.h"
#include "models/cpu/cpu_config.h"
#include "models/interconnect/pcie_link_config.h"
#include "models/interconnect/root_complex_config.h"
#include "models/irq/interrupt_config.h"
#include "models/memory/memory_config.h"
#include "models/mmu/mmu_config.h"

namespace sluice::platform {

struct DeviceKind;

/// Where devices are attached that hang at no switch.
inline constexpr const char* kRootComplex = "root_complex";

/// Names of parts that a machine always has: no device can have them.
inline constexpr const char* kCoreParts[] = {"cpu", "mmu", "cache", "memory", kRootComplex, "irq"};

/// One device, or a PCIe switch, of a machine.
struct DeviceInstance {
  std::string name;  ///< in files, in results and as prefix of its parameters
  const DeviceKind* kind = nullptr;
  std::string at = kRootComplex;      ///< the root complex or a switch, by name
  interconnect::PcieLinkConfig pcie;  ///< of the link that leads there
  std::any config;                    ///< of the type that the kind has

  /// The parameters, which must be of this type.
  template <class Config>
  [[nodiscard]] const Config& as() const {
    return *std::any_cast<Config>(&config);
  }
  template <class Config>
  [[nodiscard]] Config& as() {
    return *std::any_cast<Config>(&config);
  }
};

struct MachineDescription {
  cpu::CpuConfig cpu;
  mmu::MmuConfig mmu;
  cache::CacheConfig cache;
  memory::MemoryConfig memory;
  interconnect::RootComplexConfig root_complex;
  irq::InterruptConfig irq;
  std::vector<DeviceInstance> devices;  ///< in the order of their register windows and vectors

  /// Null when there is none of that name.
  [[nodiscard]] const DeviceInstance* find(std::string_view name) const;
  [[nodiscard]] DeviceInstance* find(std::string_view name);
  /// Those of one kind, in their order.
  [[nodiscard]] std::vector<const DeviceInstance*> all(std::string_view kind) const;
  /// Without a network card: it sends to a receiver that runs on it.
  [[nodiscard]] bool is_loopback() const { return all("nic").empty(); }
  /// Adds a device with the default parameters of its kind, which must exist.
  DeviceInstance& add(std::string name, std::string_view kind);
  /// Takes a device out; false when there is none of that name.
  bool remove(std::string_view name);
  /// One disk and one NIC with default parameters, each on a link of its own.
  static MachineDescription standard();
};

/// The parameters of one component of a machine, of the kernel or of the workload. Bound to the machine they were made
/// for.
struct Section {
  std::string prefix;  ///< "cpu", "nic", "pcie.disk", "nic1.wire"
  base::ParameterTable table;
};
/// Of the core parts, the devices and their links, in a fixed order.
std::vector<Section> sections_of(MachineDescription& machine);
/// The name of a part of a device: that of the part for the usual `nic` ("wire"), else the device's before it
/// ("nic1.wire").
std::string part_prefix(const DeviceInstance& device, const std::string& part);

}  // namespace sluice::platform
