// SPDX-License-Identifier: Apache-2.0
#include "models/platform/machine_description.h"

#include <algorithm>
#include <utility>

#include "models/base/result.h"
#include "models/platform/device_kinds.h"

namespace sluice::platform {

const DeviceInstance* MachineDescription::find(std::string_view name) const {
  const auto found =
      std::find_if(devices.begin(), devices.end(), [&](const DeviceInstance& device) { return device.name == name; });
  return found != devices.end() ? &*found : nullptr;
}

DeviceInstance* MachineDescription::find(std::string_view name) {
  return const_cast<DeviceInstance*>(std::as_const(*this).find(name));
}

std::vector<const DeviceInstance*> MachineDescription::all(std::string_view kind) const {
  std::vector<const DeviceInstance*> found;
  for (const DeviceInstance& device : devices) {
    if (device.kind->name == kind) found.push_back(&device);
  }
  return found;
}

DeviceInstance& MachineDescription::add(std::string name, std::string_view kind_name) {
  const DeviceKind* kind = find_kind(kind_name);
  ensure(kind != nullptr, "a device is of a kind that exists");
  DeviceInstance& device = devices.emplace_back();
  device.name = std::move(name);
  device.kind = kind;
  device.config = kind->default_config();
  return device;
}

bool MachineDescription::remove(std::string_view name) {
  return std::erase_if(devices, [&](const DeviceInstance& device) { return device.name == name; }) > 0;
}

MachineDescription MachineDescription::standard() {
  MachineDescription machine;
  machine.add("disk", "disk");
  machine.add("nic", "nic");
  return machine;
}

std::string part_prefix(const DeviceInstance& device, const std::string& part) {
  if (part.empty()) return device.name;
  return device.name == device.kind->name ? part : device.name + "." + part;
}

std::vector<Section> sections_of(MachineDescription& machine) {
  std::vector<Section> sections{{"cpu", base::ParameterTable{machine.cpu}},
                                {"mmu", base::ParameterTable{machine.mmu}},
                                {"cache", base::ParameterTable{machine.cache}},
                                {"memory", base::ParameterTable{machine.memory}},
                                {"root_complex", base::ParameterTable{machine.root_complex}},
                                {"irq", base::ParameterTable{machine.irq}}};
  for (DeviceInstance& device : machine.devices) {
    for (Part& part : device.kind->parts(device.config)) {
      sections.push_back({part_prefix(device, part.name), std::move(part.table)});
    }
  }
  for (DeviceInstance& device : machine.devices) {
    sections.push_back({"pcie." + device.name, base::ParameterTable{device.pcie}});
  }
  return sections;
}

}  // namespace sluice::platform
