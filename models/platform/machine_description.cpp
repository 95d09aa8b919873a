// SPDX-License-Identifier: Apache-2.0
#include "models/platform/machine_description.h"

namespace sluice::platform {

const Link* MachineDescription::pcie_link_of(std::string_view device) const {
  for (const Link& link : links) {
    if (link.kind == LinkKind::Pcie && (link.from == device || link.to == device)) return &link;
  }
  return nullptr;
}

MachineDescription MachineDescription::standard() {
  MachineDescription machine;
  machine.components.insert(std::begin(kComponents), std::end(kComponents));
  machine.links = {{"core", "cpu", "cache", LinkKind::Bus, {}},
                   {"memory_bus", "cache", "memory", LinkKind::Bus, {}},
                   {"io", "root_complex", "cache", LinkKind::Bus, {}},
                   {"pcie.disk", "disk", "root_complex", LinkKind::Pcie, {}},
                   {"pcie.nic", "nic", "root_complex", LinkKind::Pcie, {}},
                   {"ethernet", "nic", "peer", LinkKind::Wire, {}}};
  return machine;
}

std::vector<Section> sections_of(MachineDescription& machine) {
  std::vector<Section> sections;
  const auto add = [&](const char* component, auto& config) {
    if (machine.has(component)) sections.push_back({component, base::ParameterTable{config}});
  };
  add("cpu", machine.cpu);
  add("mmu", machine.mmu);
  add("cache", machine.cache);
  add("memory", machine.memory);
  add("root_complex", machine.root_complex);
  add("irq", machine.irq);
  add("disk", machine.disk);
  add("nic", machine.nic);
  add("wire", machine.wire);
  add("peer", machine.peer);
  for (Link& link : machine.links) {
    if (link.kind == LinkKind::Pcie) sections.push_back({link.name, base::ParameterTable{link.pcie}});
  }
  return sections;
}

}  // namespace sluice::platform
