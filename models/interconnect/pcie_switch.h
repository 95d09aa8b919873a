// SPDX-License-Identifier: Apache-2.0
// A PCI Express switch: several devices share one link towards the root complex.
//
//   PcieLink::root_complex of device i ──► devices[i] ──┬─► uplink ──► PcieLink::device of the switch's own link
//                                                       └─► links[j]     (registers of a device behind the switch)
//   PcieLink::registers of the own link ──► mmio ──► links[i] ──► PcieLink::mmio of device i
//
// A transfer is passed on as its first bytes come (cut-through), after the forwarding latency. What the devices share
// is the own link: its timelines serve all of them in the order of asking.
#pragma once

#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <map>

#include "models/base/time.h"
#include "models/interconnect/pcie_switch_config.h"

namespace sluice::interconnect {

class PcieSwitch : public sc_core::sc_module {
 public:
  using DeviceSocket = tlm_utils::simple_target_socket_tagged<PcieSwitch>;
  using LinkSocket = tlm_utils::simple_initiator_socket_tagged<PcieSwitch>;

  struct Statistics {
    std::uint64_t forwarded = 0;     ///< transfers to the root complex
    std::uint64_t peer_to_peer = 0;  ///< transfers from one device to another
    std::uint64_t refused = 0;       ///< peer-to-peer that the configuration forbids; register accesses to no device
  };

  sc_core::sc_vector<DeviceSocket> devices;
  tlm_utils::simple_initiator_socket<PcieSwitch> uplink;
  tlm_utils::simple_target_socket<PcieSwitch> mmio;
  sc_core::sc_vector<LinkSocket> links;

  /// `ports` links to devices or further switches, all of which must be bound.
  PcieSwitch(const sc_core::sc_module_name& name, const PcieSwitchConfig& config, unsigned ports);

  /// Register window number `window` (fabric/memory_map.h) lies behind `port`.
  void add_window(unsigned window, unsigned port) { m_ports[window] = port; }

  [[nodiscard]] const Statistics& statistics() const { return m_statistics; }

 private:
  void dma_transport(int port, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  void peer_to_peer(unsigned port, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  void mmio_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  void refuse(tlm::tlm_generic_payload& payload);

  const PcieSwitchConfig m_config;
  std::map<unsigned, unsigned> m_ports;  // by window
  Statistics m_statistics;
};

}  // namespace sluice::interconnect
