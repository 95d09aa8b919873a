// SPDX-License-Identifier: Apache-2.0
// Memory as cores and devices see it: the cache hierarchy in front of the DRAM, with time.
//
//   cores (CoreMemory) ──┐
//                        ├──► CacheHierarchy ──► MemoryController (DRAM time), PhysicalMemory (bytes)
//   root complex ──► dma ┘
//
// - Cores call access(); they move their bytes themselves.
// - `dma` takes blocking transport of any size within memory, page ends included, and moves the bytes. It never waits:
//   the delay that comes back says when the last byte was read, or is visible to everybody.
// - The pages of a DMA reach the caches and the DRAM one after another, over the span in which they arrive (a write's
//   DmaExtension::spread) or are asked for (reads: `dma_read_rate`), so that cores find gaps between them.
// - Caches look at a whole DMA when it is reserved, before its later pages are there in simulated time.
// - TLM responses: outside memory TLM_ADDRESS_ERROR_RESPONSE; byte enables TLM_BYTE_ENABLE_ERROR_RESPONSE; streaming
//   TLM_BURST_ERROR_RESPONSE. Nothing is moved then.
#pragma once

#include <tlm>
#include <tlm_utils/simple_target_socket.h>

#include "models/cache/cache_hierarchy.h"
#include "models/fabric/memory_controller.h"

namespace sluice::cache {

class CoherentMemory : public sc_core::sc_module, public fabric::CoreMemory {
 public:
  tlm_utils::simple_target_socket<CoherentMemory> dma;

  /// Throws InputError when the configuration cannot be built. `memory` and `controller` must outlive the module.
  CoherentMemory(const sc_core::sc_module_name& name, const CacheConfig& config, unsigned cores,
                 fabric::PhysicalMemory& memory, fabric::MemoryController& controller);

  fabric::AccessOutcome access(unsigned core, PhysAddr address, Bytes size, fabric::AccessKind kind,
                               Picoseconds now) override;

  /// Empties all caches in zero time and without DRAM traffic: the cold start of a measurement.
  void clear() { m_hierarchy.clear(); }
  /// In zero time and without DRAM traffic: the core has just read the range.
  void touch(unsigned core, PhysAddr address, Bytes size);
  /// As clear, for a range.
  void drop(PhysAddr address, Bytes size);

  [[nodiscard]] const CacheHierarchy& hierarchy() const { return m_hierarchy; }
  [[nodiscard]] const HierarchyCounts& counts() const { return m_hierarchy.counts(); }

 private:
  void dma_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  unsigned dma_debug(tlm::tlm_generic_payload& payload);
  [[nodiscard]] tlm::tlm_response_status check(const tlm::tlm_generic_payload& payload) const;
  Picoseconds read_by_device(PhysAddr address, Bytes size, Picoseconds arrives, Picoseconds& first_ready);
  Picoseconds write_by_device(PhysAddr address, Bytes size, Picoseconds arrives, Picoseconds spread);
  void move_bytes(tlm::tlm_generic_payload& payload);

  const CacheConfig m_config;
  fabric::PhysicalMemory& m_memory;
  fabric::MemoryController& m_controller;
  CacheHierarchy m_hierarchy;
};

}  // namespace sluice::cache
