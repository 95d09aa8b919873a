// SPDX-License-Identifier: Apache-2.0
#include "models/interconnect/pcie_switch.h"

#include "models/fabric/dma.h"
#include "models/fabric/memory_map.h"

namespace sluice::interconnect {

PcieSwitch::PcieSwitch(const sc_core::sc_module_name& name, const PcieSwitchConfig& config, unsigned ports)
    : sc_module(name),
      devices("devices", ports),
      uplink("uplink"),
      mmio("mmio"),
      links("links", ports),
      m_config(config) {
  for (unsigned port = 0; port < ports; ++port) {
    devices[port].register_b_transport(this, &PcieSwitch::dma_transport, static_cast<int>(port));
  }
  mmio.register_b_transport(this, &PcieSwitch::mmio_transport);
}

/// What does not lie in a window behind this switch goes up, as a bridge's address ranges have it.
void PcieSwitch::dma_transport(int /*port*/, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const sc_core::sc_time forwarding = fabric::to_sc_time(m_config.forwarding_latency);
  delay += forwarding;
  const auto window = fabric::window_of(PhysAddr{payload.get_address()});
  if (const auto found = window ? m_ports.find(*window) : m_ports.end(); found != m_ports.end()) {
    peer_to_peer(found->second, payload, delay);
  } else {
    ++m_statistics.forwarded;
    uplink->b_transport(payload, delay);
  }
  if (payload.is_read()) delay += forwarding;
}

void PcieSwitch::peer_to_peer(unsigned port, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  if (!m_config.peer_to_peer) return refuse(payload);
  ++m_statistics.peer_to_peer;
  links[port]->b_transport(payload, delay);
}

void PcieSwitch::mmio_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const auto window = fabric::window_of(PhysAddr{payload.get_address()});
  const auto found = window ? m_ports.find(*window) : m_ports.end();
  if (found == m_ports.end()) return refuse(payload);
  const sc_core::sc_time forwarding = fabric::to_sc_time(m_config.forwarding_latency);
  delay += forwarding;
  links[found->second]->b_transport(payload, delay);
  if (payload.is_read()) delay += forwarding;
}

void PcieSwitch::refuse(tlm::tlm_generic_payload& payload) {
  ++m_statistics.refused;
  payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

}  // namespace sluice::interconnect
