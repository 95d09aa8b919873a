// SPDX-License-Identifier: Apache-2.0
// A PCI Express link between one device and the root complex.
//
//                 device ──► [upstream: writes, read requests, MMIO completions] ──► root_complex
//   DmaPort       device ◄── [downstream: read completions                    ] ◄──
//   registers  registers ◄── [downstream: MMIO writes and read requests       ] ◄── mmio       root complex
//
// Each direction is a reservation timeline of TLP bytes. Nothing here waits: times travel in the delay argument.
// Ordering is that of the specification (base specification 5.0, table 2-40):
// - upstream is strictly first in, first out: reads, MSIs and MMIO completions push the posted writes before them
// - downstream, register accesses pass read completions; they wait for one packet at most
#pragma once

#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <array>
#include <deque>

#include "models/fabric/dma.h"
#include "models/fabric/timeline.h"
#include "models/interconnect/pcie_link_config.h"
#include "models/interconnect/pcie_logic.h"

namespace sluice::interconnect {

class PcieLink : public sc_core::sc_module {
 public:
  struct Direction {
    fabric::Timeline timeline;
    std::uint64_t tlps = 0;
    Bytes payload = 0;
    Bytes wire = 0;  ///< with headers, without acknowledgements and flow control (they lower the rate instead)
  };

  tlm_utils::simple_target_socket<PcieLink> device;           ///< from the device's DmaPort
  tlm_utils::simple_initiator_socket<PcieLink> root_complex;  ///< DMA: to RootComplex::devices
  tlm_utils::simple_target_socket<PcieLink> mmio;             ///< from RootComplex::links
  tlm_utils::simple_initiator_socket<PcieLink> registers;     ///< to the device's RegisterBank

  /// InputError when the link cannot exist.
  PcieLink(const sc_core::sc_module_name& name, const PcieLinkConfig& config);

  [[nodiscard]] const Direction& upstream() const { return m_upstream; }
  [[nodiscard]] const Direction& downstream() const { return m_downstream; }
  [[nodiscard]] const TlpArithmetic& arithmetic() const { return m_arithmetic; }
  /// Register writes that the device did not take. They are posted, so the core that wrote never learns.
  [[nodiscard]] std::uint64_t refused_writes() const { return m_refused_writes; }

 private:
  struct PostedWrite {
    Picoseconds arrives;
    std::uint64_t address = 0;
    unsigned size = 0;
    std::array<unsigned char, 8> data{};
  };

  void dma_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  Picoseconds dma_write(tlm::tlm_generic_payload& payload, Picoseconds at);
  Picoseconds dma_read(tlm::tlm_generic_payload& payload, Picoseconds at);
  Picoseconds forward(tlm::tlm_generic_payload& payload, Picoseconds arrives);

  void mmio_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  void post_register_write(const tlm::tlm_generic_payload& payload, Picoseconds at);
  Picoseconds read_register(tlm::tlm_generic_payload& payload, Picoseconds at);
  void run_posted_writes();
  void deliver_oldest_write();

  fabric::Timeline::Slot send(Direction& direction, Picoseconds earliest, Tlps tlps, Bytes payload);
  Picoseconds send_register_access(Picoseconds at, Bytes wire, Bytes payload);
  Picoseconds tag_limit(Picoseconds begin, Picoseconds round_trip, std::uint64_t requests);

  const PcieLinkConfig m_config;
  const TlpArithmetic m_arithmetic;
  const Picoseconds m_request_time;       // a TLP without data
  const Picoseconds m_full_request_time;  // completions of a request of MRRS bytes
  const Picoseconds m_largest_tlp_time;
  Direction m_upstream;
  Direction m_downstream;
  Picoseconds m_tags_taken_until;  // fluid model: outstanding requests, see tag_limit()
  Picoseconds m_tag_free_at;       // when the next request may leave
  Picoseconds m_last_read_done;

  std::deque<PostedWrite> m_posted;  // on their way to the device, oldest first
  sc_core::sc_event m_write_arrives;
  tlm::tlm_generic_payload m_write_payload;
  std::uint64_t m_refused_writes = 0;
};

}  // namespace sluice::interconnect
