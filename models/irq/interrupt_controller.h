// SPDX-License-Identifier: Apache-2.0
// The interrupt controller: turns MSI writes into interrupts of cores.
//
//   RootComplex::interrupts ──► messages ──► [in flight, by time] ──► [pending, by vector] ──► InterruptSink of the
//   core
//
// A message is a 4-byte write of its vector to fabric::msi_address(vector); anything else gets an error response. It
// may be dated ahead: the core is told at the right instant. Messages of one instant are handled in the order of their
// vectors. A vector that is pending is not queued twice (see pending_logic.h).
#pragma once

#include <tlm>
#include <tlm_utils/simple_target_socket.h>

#include <compare>
#include <functional>
#include <queue>
#include <vector>

#include "models/base/time.h"
#include "models/fabric/interrupt_sink.h"
#include "models/irq/interrupt_config.h"
#include "models/irq/pending_logic.h"

namespace sluice::irq {

class InterruptController : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<InterruptController> messages;

  InterruptController(const sc_core::sc_module_name& name, const InterruptConfig& config, unsigned cores);

  /// Each core is attached once, before the simulation starts. The sink must outlive the simulation.
  void attach(unsigned core, fabric::InterruptSink& sink);
  /// Interrupts of `vector` go to `core` (at the start: all to core 0).
  void route(unsigned vector, unsigned core);
  /// A core that is not enabled is told nothing; what is pending is announced when it is enabled again.
  void set_enabled(unsigned core, bool enabled);
  /// The core takes the interrupt.
  void acknowledge(unsigned vector);

  /// From the arrival of a message to the core seeing it; of an interrupt between cores likewise.
  [[nodiscard]] Picoseconds delivery_latency() const { return m_config.delivery_latency; }
  [[nodiscard]] bool is_pending(unsigned vector) const { return m_pending.is_pending(vector); }
  [[nodiscard]] const VectorStatistics& statistics(unsigned vector) const { return m_pending.statistics(vector); }
  /// Interrupts that cores accepted, all vectors.
  [[nodiscard]] std::uint64_t accepted() const;
  [[nodiscard]] std::uint64_t malformed_messages() const { return m_malformed; }

 private:
  struct InFlight {
    Picoseconds at;
    unsigned vector = 0;
    auto operator<=>(const InFlight&) const = default;
  };

  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  void run_arrivals();
  void announce_waiting();
  void tell(unsigned vector);

  const InterruptConfig m_config;
  PendingVectors m_pending;
  std::vector<fabric::InterruptSink*> m_sinks;  // by core
  std::priority_queue<InFlight, std::vector<InFlight>, std::greater<>> m_in_flight;
  sc_core::sc_event m_arrival;
  std::uint64_t m_malformed = 0;
};

}  // namespace sluice::irq
