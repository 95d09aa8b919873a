// SPDX-License-Identifier: Apache-2.0
// The root complex: routes what devices do to memory and to the interrupt controller, and what cores do to registers.
//
//   PcieLink::root_complex ──► devices[i] ──┬─► memory      (addresses below the memory size)
//                                           └─► interrupts  (4-byte writes to the MSI range)
//   cores ──► cpu ──► links[i] ──► PcieLink::mmio           (register windows behind port i, see fabric/memory_map.h)
//
// Any other address gets TLM_ADDRESS_ERROR_RESPONSE and is counted. The root complex sees physical addresses, so it is
// here that DMA is reported to the ledger. An IOMMU belongs between a link and devices[i]: it rewrites the address of a
// transaction, or answers it, and this module does not change.
#pragma once

#include <tlm>
#include <tlm_utils/multi_passthrough_target_socket.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <map>
#include <vector>

#include "models/base/ledger.h"
#include "models/fabric/dma.h"
#include "models/interconnect/root_complex_config.h"

namespace sluice::interconnect {

class RootComplex : public sc_core::sc_module {
 public:
  using DeviceSocket = tlm_utils::simple_target_socket_tagged<RootComplex>;
  using LinkSocket = tlm_utils::simple_initiator_socket_tagged<RootComplex>;

  struct Statistics {
    std::uint64_t register_reads = 0;
    std::uint64_t register_writes = 0;
    Bytes dma_read = 0;                      ///< bytes that devices read from memory, descriptors included
    Bytes dma_written = 0;                   ///< bytes that devices wrote to memory, completions included
    Bytes dma_control = 0;                   ///< descriptors and completions among them
    std::uint64_t messages = 0;              ///< MSIs passed to the interrupt controller
    std::uint64_t unsupported_requests = 0;  ///< no memory, device or interrupt behind the address
  };

  sc_core::sc_vector<DeviceSocket> devices;
  sc_core::sc_vector<LinkSocket> links;
  tlm_utils::multi_passthrough_target_socket<RootComplex> cpu;  ///< any number of cores
  tlm_utils::simple_initiator_socket<RootComplex> memory;
  tlm_utils::simple_initiator_socket<RootComplex> interrupts;

  /// `ports` links, all of which must be bound.
  RootComplex(const sc_core::sc_module_name& name, const RootComplexConfig& config, Bytes memory_size,
              base::Ledger& ledger, unsigned ports);

  /// Register window number `window` lies behind `port`.
  void add_window(unsigned window, unsigned port) { m_ports[window] = port; }

  [[nodiscard]] const Statistics& statistics() const { return m_statistics; }

 private:
  void dma_transport(int port, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  Picoseconds access_memory(int port, tlm::tlm_generic_payload& payload, Picoseconds arrives);
  Picoseconds deliver_message(int port, tlm::tlm_generic_payload& payload, Picoseconds arrives);
  void report(const tlm::tlm_generic_payload& payload, const fabric::DmaExtension& extension);

  void cpu_transport(int core, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  void refuse(tlm::tlm_generic_payload& payload);

  [[nodiscard]] bool is_memory(const tlm::tlm_generic_payload& payload) const;

  const RootComplexConfig m_config;
  const Bytes m_memory_size;
  base::Ledger& m_ledger;
  std::map<unsigned, unsigned> m_ports;       // by window
  std::vector<Picoseconds> m_writes_visible;  // by port: when all its posted writes so far are in memory
  Statistics m_statistics;
};

}  // namespace sluice::interconnect
